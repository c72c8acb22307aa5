/* The configuration of features: what they are, in librosa's names, and how that stands in a model file. */
#ifndef PYLSTM_FEATURES_FEATURES_CONFIG_H
#define PYLSTM_FEATURES_FEATURES_CONFIG_H

#include "modelfile/configuration.h"

enum { PYLSTM_FEATURES_MFCC, PYLSTM_FEATURES_LOGMEL, PYLSTM_FEATURES_SPECTRUM, PYLSTM_FEATURES_WAVEFORM };
enum {
    PYLSTM_WINDOW_HANN,
    PYLSTM_WINDOW_HAMMING,
    PYLSTM_WINDOW_BLACKMAN,
    PYLSTM_WINDOW_BOXCAR,
    PYLSTM_WINDOW_POVEY,
    PYLSTM_WINDOW_SQRT_HANN
};
enum { PYLSTM_FRAMING_STFT, PYLSTM_FRAMING_KALDI, PYLSTM_FRAMING_CHUNK };
enum { PYLSTM_PAD_CONSTANT, PYLSTM_PAD_REFLECT, PYLSTM_PAD_SYMMETRIC };
enum { PYLSTM_PREEMPHASIS_FRAME, PYLSTM_PREEMPHASIS_SIGNAL };
enum { PYLSTM_TRIANGLES_HZ, PYLSTM_TRIANGLES_MEL };
enum { PYLSTM_MEL_NORM_NONE, PYLSTM_MEL_NORM_SLANEY };
enum { PYLSTM_LOG_NONE, PYLSTM_LOG_DB, PYLSTM_LOG_LN, PYLSTM_LOG_LOG10 };
enum { PYLSTM_ENERGY_NONE, PYLSTM_ENERGY_RAW, PYLSTM_ENERGY_WINDOWED };
enum { PYLSTM_DCT_NORM_NONE, PYLSTM_DCT_NORM_ORTHO };
enum { PYLSTM_LIFTER_LIBROSA, PYLSTM_LIFTER_KALDI };

typedef struct pylstm_features_config {
    int kind;
    int sr, hop_length;
    double scale; /* of the samples */

    /* samples under a row: all kinds but waveform have a window over them */
    int n_fft, win_length; /* of waveform both are frame_length */
    int framing, center, pad_mode;
    int pad_right; /* samples that are mirrored at the end of a chunk */
    int window, periodic;
    int remove_dc_offset;
    double preemphasis; /* 0: none */
    int preemphasis_over;

    /* spectra and what is made of them */
    double power;
    int columns, column_hop; /* spectrum: several in a row */
    int log;
    double log_floor, log_offset;

    /* mel bands */
    int n_mels;
    double fmin, fmax; /* Hz, fmax resolved (sr / 2 where the user gave none) */
    int htk, triangles, norm;
    int energy;
    double energy_floor;
    int has_top_db;
    double top_db;
    int n_mfcc, dct_type, dct_norm; /* MFCC only */
    double lifter;                  /* MFCC only; 0: none */
    int lifter_formula;

    int deltas;              /* 0, 1 or 2: highest order appended to the static features */
    int normalize;           /* whether mean and std are there: n_features values each, */
    pylstm_tensor mean, std; /* in the model file, read only by init */
} pylstm_features_config;

#define PYLSTM_MAX_N_MELS     1024
#define PYLSTM_DEFAULT_FLOOR  1e-10 /* of the logarithm, as librosa.power_to_db has it */
#define PYLSTM_DEFAULT_ENERGY 0x1p-23

/* Reads the keys "features.*" of a model file that has features, and takes the tensors features.mean and
 * features.std where they are asked for; checks that every value is in its range and that they fit together. config keeps views
 * of the file's bytes. */
pylstm_status pylstm_features_config_read(pylstm_model_file *file, pylstm_features_config *config, pylstm_error *why);

/* Width of one row, deltas included. */
int pylstm_features_width(const pylstm_features_config *config);

/* Samples of the signal that a row is made of. */
int pylstm_features_span(const pylstm_features_config *config);

#endif
