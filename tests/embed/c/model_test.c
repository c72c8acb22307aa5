/* The library as a whole, and models: made, refused, asked. */
#define _POSIX_C_SOURCE 200112L /* setenv */
#include "check.h"

void test_library(void) {
    pylstm_error why = {PYLSTM_OK, ""};
    char version[32], forced[32] = "";
    const char *chosen, *was = getenv("PYLSTM_ISA");
    int status, k, last = 0;
    snprintf(version, sizeof version, "%d.%d.%d", PYLSTM_VERSION_MAJOR, PYLSTM_VERSION_MINOR, PYLSTM_VERSION_PATCH);
    CHECK(strcmp(pylstm_version(), version) == 0);
    CHECK(PYLSTM_VERSION_NUMBER == 10000 * PYLSTM_VERSION_MAJOR + 100 * PYLSTM_VERSION_MINOR + PYLSTM_VERSION_PATCH);
    for (status = PYLSTM_OK; status <= PYLSTM_OFF_SCALE; status++) {
        CHECK(strlen(pylstm_strerror((pylstm_status)status)) > 5);
        CHECK(strcmp(pylstm_strerror((pylstm_status)status), "unknown status") != 0);
    }
    CHECK(strcmp(pylstm_strerror((pylstm_status)99), "unknown status") == 0);
    CHECK(!pylstm_isa_built("mmx") && !pylstm_isa_supported("mmx") && !pylstm_isa_built(NULL) && !pylstm_isa_supported(NULL));
    CHECK(pylstm_isa_built("scalar") && pylstm_isa_supported("scalar"));
    for (k = 0; pylstm_isa_name(k); k++) {
        CHECK(pylstm_isa_built(pylstm_isa_name(k)) || !pylstm_isa_supported(pylstm_isa_name(k)));
        last = k;
    }
    CHECK(strcmp(pylstm_isa_name(last), "scalar") == 0 && !pylstm_isa_name(-1) && !pylstm_isa_name(last + 2));
    chosen = pylstm_isa(&why);
    CHECK(chosen && pylstm_isa_supported(chosen) && chosen == pylstm_isa(NULL));
    if (was)
        snprintf(forced, sizeof forced, "%s", was);
    setenv("PYLSTM_ISA", "mmx", 1);
    CHECK(!pylstm_isa(&why) && why.status == PYLSTM_BAD_ISA && strstr(why.message, "mmx") && !pylstm_isa(NULL));
    setenv("PYLSTM_ISA", "", 1);
    CHECK(pylstm_isa(NULL));
    if (*forced)
        setenv("PYLSTM_ISA", forced, 1);
    else
        unsetenv("PYLSTM_ISA");
}

/* What a file may be refused for, on each of the ways in. */
static void refused(pylstm_status status, const void *bytes, size_t size, const char *text) {
    pylstm_model *model = (pylstm_model *)&status;
    void *memory = aligned_room(4096);
    pylstm_error why = {PYLSTM_OK, ""};
    size_t needed = 77;
    GIVES(status, pylstm_model_create(bytes, size, &model, &why));
    CHECK(!model && why.status == status && strstr(why.message, text) && strlen(why.message) < sizeof why.message);
    model = (pylstm_model *)&status;
    GIVES(status, pylstm_model_create(bytes, size, &model, NULL));
    CHECK(!model);
    GIVES(status, pylstm_model_size(bytes, size, &needed, &why));
    CHECK(needed == 77 && why.status == status && strstr(why.message, text));
    model = (pylstm_model *)&status;
    GIVES(status, pylstm_model_init(memory, 4096, bytes, size, &model, &why));
    CHECK(model == (pylstm_model *)&status && why.status == status && strstr(why.message, text));
    free(memory);
}

static void bad_files(const file *good) {
    unsigned char *bytes = malloc(good->size + 1);
    size_t cut;
    CHECK(bytes);
    refused(PYLSTM_BAD_ARGUMENT, NULL, 10, "bytes is NULL");
    for (cut = 0; cut < good->size; cut += cut < 300 ? 7 : 1999) {
        unsigned char *part = malloc(cut + 1);
        memcpy(part, good->bytes, cut);
        refused(PYLSTM_BAD_MODEL, part, cut, "[");
        free(part);
    }
    memcpy(bytes, good->bytes, good->size);
    bytes[good->size] = 0;
    refused(PYLSTM_BAD_MODEL, bytes, good->size + 1, "[");
    bytes[8] = '[';
    refused(PYLSTM_BAD_MODEL, bytes, good->size, "[");
    memcpy(bytes, good->bytes, good->size);
    bytes[good->size - 2] ^= 1; /* another weight, which nothing but the checksum tells from the right one */
    refused(PYLSTM_BAD_MODEL, bytes, good->size, "[checksum]");
    setenv("PYLSTM_ISA", "mmx", 1);
    refused(PYLSTM_BAD_ISA, good->bytes, good->size, "mmx");
    free(bytes);
}

/* One model on the heap and one in memory of ours, of the same file, are alike. */
static void on_own_memory(const file *f) {
    pylstm_model *model = NULL, *heap = NULL;
    pylstm_error why = {PYLSTM_OK, ""};
    size_t needed = 0, k;
    unsigned char *memory;
    GIVES(PYLSTM_OK, pylstm_model_size(f->bytes, f->size, &needed, &why));
    CHECK(needed > 0 && why.status == PYLSTM_OK && !*why.message);
    memory = aligned_room(needed);
    GIVES(PYLSTM_NO_MEMORY, pylstm_model_init(memory, needed - 1, f->bytes, f->size, &model, &why));
    CHECK(!model && why.status == PYLSTM_NO_MEMORY && strstr(why.message, "bytes"));
    GIVES(PYLSTM_NO_MEMORY, pylstm_model_init(memory + 8, needed, f->bytes, f->size, &model, &why));
    CHECK(!model && strstr(why.message, "8 bytes after a multiple of 64"));
    for (k = 0; k < needed; k++)
        CHECK(memory[k] == 0xa5); /* a call that is refused has changed nothing */
    GIVES(PYLSTM_OK, pylstm_model_init(memory, needed, f->bytes, f->size, &model, &why));
    CHECK((unsigned char *)model == memory);
    GIVES(PYLSTM_OK, pylstm_model_create(f->bytes, f->size, &heap, NULL));
    CHECK(pylstm_stream_size(model) == pylstm_stream_size(heap) && pylstm_snapshot_size(model) == pylstm_snapshot_size(heap));
    pylstm_model_destroy(heap);
    free(memory);
}

/* What the library under test was built with: the flags of this program are its flags. */
#if defined(PYLSTM_NO_INT8) || defined(PYLSTM_FLOAT_ONLY)
#define BUILT_INT8 0
#else
#define BUILT_INT8 1
#endif
#if defined(PYLSTM_NO_BFLOAT16) || defined(PYLSTM_FLOAT_ONLY)
#define BUILT_BFLOAT16 0
#else
#define BUILT_BFLOAT16 1
#endif

/* A model with such weights; NULL, and refused by its name, in a build without them. */
static pylstm_model *quantised(const file *f, int built, const char *precision) {
    pylstm_model *model = NULL;
    if (!built) {
        refused(PYLSTM_NOT_BUILT, f->bytes, f->size, precision);
        return NULL;
    }
    GIVES(PYLSTM_OK, pylstm_model_create(f->bytes, f->size, &model, NULL));
    on_own_memory(f);
    return model;
}

void test_models(const char *folder, models *m) {
    char forced[32] = "";
    pylstm_error why;
    size_t needed;
    if (getenv("PYLSTM_ISA"))
        snprintf(forced, sizeof forced, "%s", getenv("PYLSTM_ISA"));
    m->words_file = read_file(folder, "words");
    m->int8_file = read_file(folder, "int8");
    m->bfloat16_file = read_file(folder, "bfloat16");
    m->frames_file = read_file(folder, "frames");
    m->deltas_file = read_file(folder, "deltas");
    m->bare_file = read_file(folder, "bare");
    m->decides_file = read_file(folder, "decides");
    m->sounds_file = read_file(folder, "sounds");
    m->speech_file = read_file(folder, "speech");
    bad_files(&m->words_file);
    if (*forced)
        setenv("PYLSTM_ISA", forced, 1);
    else
        unsetenv("PYLSTM_ISA");
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_create(m->words_file.bytes, m->words_file.size, NULL, &why));
    CHECK(why.status == PYLSTM_BAD_ARGUMENT && strstr(why.message, "model"));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_create(m->words_file.bytes, m->words_file.size, NULL, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_size(m->words_file.bytes, m->words_file.size, NULL, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_init(NULL, 1 << 20, m->words_file.bytes, m->words_file.size, &m->words, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_init(&needed, 1 << 20, m->words_file.bytes, m->words_file.size, NULL, &why));
    fail_allocation(1);
    GIVES(PYLSTM_NO_MEMORY, pylstm_model_create(m->words_file.bytes, m->words_file.size, &m->words, &why));
    CHECK(!m->words && why.status == PYLSTM_NO_MEMORY);
    GIVES(PYLSTM_OK, pylstm_model_create(m->words_file.bytes, m->words_file.size, &m->words, &why));
    GIVES(PYLSTM_OK, pylstm_model_create(m->frames_file.bytes, m->frames_file.size, &m->frames, NULL));
    GIVES(PYLSTM_OK, pylstm_model_create(m->deltas_file.bytes, m->deltas_file.size, &m->deltas, NULL));
    GIVES(PYLSTM_OK, pylstm_model_create(m->bare_file.bytes, m->bare_file.size, &m->bare, NULL));
    GIVES(PYLSTM_OK, pylstm_model_create(m->decides_file.bytes, m->decides_file.size, &m->decides, NULL));
    GIVES(PYLSTM_OK, pylstm_model_create(m->sounds_file.bytes, m->sounds_file.size, &m->sounds, NULL));
    GIVES(PYLSTM_OK, pylstm_model_create(m->speech_file.bytes, m->speech_file.size, &m->speech, NULL));
    on_own_memory(&m->words_file);
    on_own_memory(&m->frames_file);
    on_own_memory(&m->deltas_file);
    m->int8 = quantised(&m->int8_file, BUILT_INT8, "int8");
    m->bfloat16 = quantised(&m->bfloat16_file, BUILT_BFLOAT16, "bf16");
    pylstm_model_destroy(NULL);
}

static void no_detector(const char *folder, const char *name, const char *text) {
    file f = read_file(folder, name);
    pylstm_model *model;
    pylstm_error why;
    double threshold = -1;
    int smoothing = -1, refractory = -1;
    GIVES(PYLSTM_OK, pylstm_model_create(f.bytes, f.size, &model, &why));
    GIVES(PYLSTM_BAD_MODEL, pylstm_model_detector(model, &threshold, &smoothing, &refractory, &why));
    CHECK(threshold == -1 && smoothing == -1 && refractory == -1);
    if (!strstr(why.message, text))
        fprintf(stderr, "%s: %s\n", name, why.message);
    CHECK(why.status == PYLSTM_BAD_MODEL && strstr(why.message, "[detector] ") == why.message && strstr(why.message, text));
    pylstm_model_destroy(model);
    free(f.bytes);
}

/* Two cells of 21: every part where it is, one after the other. */
static void parts(const models *m) {
    static const char *const state[] = {"h", "c"}, *const trace[] = {"i", "f", "g", "o", "c", "h"};
    const pylstm_model *w = m->words;
    pylstm_layer_part part = {NULL, NULL, 7, 7, 7, 7};
    int k;
    CHECK(pylstm_model_n_state_parts(w) == 4 && pylstm_model_n_state_parts(m->bare) == 0 &&
          pylstm_model_n_state_parts(NULL) == 0);
    CHECK(pylstm_model_n_trace_parts(w) == 12 && pylstm_model_n_trace_parts(m->bare) == 0);
    CHECK(pylstm_model_n_trace_parts(NULL) == 0);
    CHECK(pylstm_model_state_width(w) == 4 * 21 && pylstm_model_state_width(m->bare) == 0 &&
          pylstm_model_state_width(NULL) == 0);
    CHECK(pylstm_model_trace_width(w) == 12 * 21 && pylstm_model_trace_width(m->bare) == 0 &&
          pylstm_model_trace_width(NULL) == 0);
    for (k = -1; k < 6; k++) {
        if (k >= 0 && k < 4)
            continue;
        GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_state_part(w, k, &part));
        GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_trace_part(w, 3 * k, &part));
    }
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_state_part(m->bare, 0, &part));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_state_part(w, 0, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_state_part(NULL, 0, &part));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_trace_part(w, 0, NULL));
    CHECK(!part.kind && !part.name && part.layer == 7 && part.cell == 7 && part.offset == 7 && part.size == 7);
    for (k = 0; k < 4; k++) {
        GIVES(PYLSTM_OK, pylstm_model_state_part(w, k, &part));
        CHECK(strcmp(part.kind, "lstm") == 0 && strcmp(part.name, state[k % 2]) == 0);
        CHECK(part.layer == 0 && part.cell == k / 2 && part.offset == (size_t)k * 21 && part.size == 21);
    }
    for (k = 0; k < 12; k++) {
        GIVES(PYLSTM_OK, pylstm_model_trace_part(w, k, &part));
        CHECK(strcmp(part.kind, "lstm") == 0 && strcmp(part.name, trace[k % 6]) == 0);
        CHECK(part.layer == 0 && part.cell == k / 6 && part.offset == (size_t)k * 21 && part.size == 21);
    }
}

void test_facts(const models *m, const char *folder) {
    const pylstm_model *w = m->words, *f = m->frames;
    pylstm_error why;
    double threshold;
    int smoothing, refractory, k;
    CHECK(pylstm_model_sample_rate(w) == 16000 && pylstm_model_sample_rate(f) == 0 && pylstm_model_sample_rate(NULL) == 0);
    CHECK(pylstm_model_hop_length(w) == 160 && pylstm_model_hop_length(f) == 0 && pylstm_model_hop_length(NULL) == 0);
    CHECK(pylstm_model_n_features(w) == 13 && pylstm_model_n_features(f) == 7 && pylstm_model_n_features(NULL) == 0);
    CHECK(pylstm_model_n_outputs(w) == 3 && pylstm_model_n_outputs(f) == 5 && pylstm_model_n_outputs(NULL) == 0);
    CHECK(pylstm_model_latency(w) == 200 && pylstm_model_latency(f) == 0 && pylstm_model_latency(NULL) == 0);
    CHECK(strcmp(pylstm_model_isa(w), pylstm_isa(NULL)) == 0 && !pylstm_model_isa(NULL));
    CHECK(strcmp(pylstm_model_label(w, 0), "silence") == 0 && strcmp(pylstm_model_label(w, 2), "no") == 0);
    CHECK(!pylstm_model_label(w, -1) && !pylstm_model_label(w, 3) && !pylstm_model_label(f, 0) && !pylstm_model_label(NULL, 0));
    parts(m);
    CHECK(pylstm_stream_size(w) > 0 && pylstm_stream_size(NULL) == 0);
    CHECK(pylstm_snapshot_size(w) > 0 && pylstm_snapshot_size(NULL) == 0);
    CHECK(pylstm_batch_size(w) > 0 && pylstm_batch_size(NULL) == 0);

    CHECK(pylstm_model_n_info(w) == 5 && pylstm_model_n_info(f) == 0 && pylstm_model_n_info(NULL) == 0);
    for (k = 0; k < 5; k++)
        CHECK(pylstm_model_info(w, pylstm_model_info_key(w, k)));
    CHECK(strcmp(pylstm_model_info_key(w, 0), "license") == 0);
    CHECK(!pylstm_model_info_key(w, -1) && !pylstm_model_info_key(w, 5) && !pylstm_model_info_key(NULL, 0));
    CHECK(strcmp(pylstm_model_info(w, "license"), "\xc2\xa9 nobody") == 0);
    CHECK(!pylstm_model_info(w, "licens") && !pylstm_model_info(w, NULL) && !pylstm_model_info(NULL, "license"));

    GIVES(PYLSTM_OK, pylstm_model_detector(w, &threshold, &smoothing, &refractory, &why));
    CHECK(threshold == 0.45 && smoothing == 10 && refractory == 40 && why.status == PYLSTM_OK);
    CHECK(pylstm_model_is_background(w, 0) && !pylstm_model_is_background(w, 1) && !pylstm_model_is_background(w, 2));
    CHECK(!pylstm_model_is_background(w, -1) && !pylstm_model_is_background(f, 0) && !pylstm_model_is_background(NULL, 0));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_detector(NULL, &threshold, &smoothing, &refractory, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_detector(w, NULL, &smoothing, &refractory, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_detector(w, &threshold, NULL, &refractory, NULL));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_model_detector(w, &threshold, &smoothing, NULL, &why));
    no_detector(folder, "frames", "no features");
    no_detector(folder, "bare", "no labels");
    no_detector(folder, "no_threshold", "'detector.threshold' is missing; expected a number above 0 and at most 1");
    no_detector(folder, "bad_threshold", "'detector.threshold' is 'much'");
    no_detector(folder, "high_threshold", "'detector.threshold' is '1.5'");
    no_detector(folder, "bad_smoothing", "'detector.smoothing_frames' is '2.5'");
    no_detector(folder, "bad_refractory", "'detector.refractory_frames' is '-1'");
    no_detector(folder, "no_background", "'detector.background' is missing; expected labels");
    no_detector(folder, "bad_background", "'detector.background' names 'music'; expected labels of the model");
    no_detector(folder, "all_background", "'detector.background' names every label; expected one");
}
