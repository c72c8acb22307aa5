/* The configuration of features: what they are, in librosa's names, and how that stands in a model file. */
#ifndef PYLSTM_FEATURES_FEATURES_CONFIG_H
#define PYLSTM_FEATURES_FEATURES_CONFIG_H

#include "modelfile/configuration.h"

enum { PYLSTM_FEATURES_MFCC, PYLSTM_FEATURES_LOGMEL };
enum { PYLSTM_WINDOW_HANN, PYLSTM_WINDOW_HAMMING, PYLSTM_WINDOW_BLACKMAN, PYLSTM_WINDOW_BOXCAR };
enum { PYLSTM_PAD_CONSTANT, PYLSTM_PAD_REFLECT };
enum { PYLSTM_MEL_NORM_NONE, PYLSTM_MEL_NORM_SLANEY };
enum { PYLSTM_DCT_NORM_NONE, PYLSTM_DCT_NORM_ORTHO };

typedef struct pylstm_features_config {
    int kind;
    int sr, n_fft, win_length, hop_length, n_mels;
    double fmin, fmax; /* Hz, fmax resolved (sr / 2 where the user gave none) */
    int htk, norm, window, center, pad_mode;
    double power;
    int n_mfcc, dct_type, dct_norm; /* MFCC only */
    double lifter;                  /* MFCC only; 0: none */
    int has_top_db;
    double top_db;
    int deltas;              /* 0, 1 or 2: highest order appended to the static features */
    int normalize;           /* whether mean and std are there: n_features values each, read only by check and init, */
    const float *mean, *std; /* from here, or where these are NULL */
    pylstm_tensor mean_tensor, std_tensor; /* from a model file */
} pylstm_features_config;

#define PYLSTM_MAX_N_MELS 1024
#define PYLSTM_MAX_WIDTH  (3 * PYLSTM_MAX_N_MELS)

/* Checks that every value is in its range and that they fit together; the message names the first that does not. The status is
 * PYLSTM_BAD_ARGUMENT. */
pylstm_status pylstm_features_check(const pylstm_features_config *config, pylstm_error *why);

/* Reads and checks the keys "features.*" of a model file whose features.kind is mfcc or logmel, and takes the tensors
 * features.mean and features.std where they are asked for. config keeps views of the file's bytes. */
pylstm_status pylstm_features_config_read(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why);

/* Width of one row: n_mfcc or n_mels, times 1 + deltas. */
int pylstm_features_width(const pylstm_features_config *config);

#endif
