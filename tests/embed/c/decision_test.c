/* Decisions: made, refused, asked. */
#include "check.h"

#include <math.h>

typedef struct refusal {
    pylstm_setting settings[3]; /* up to one without a key */
    const char *text;           /* in the message */
} refusal;

static size_t count(const pylstm_setting *settings, size_t most) {
    size_t n = 0;
    while (n < most && settings[n].key)
        n++;
    return n;
}

/* What a decision may be refused for, on each of the ways in; a call that is refused changes nothing. */
static void refused(pylstm_status status, const pylstm_model *model, const pylstm_setting *settings, size_t n,
                    const char *text) {
    pylstm_decision *decision = (pylstm_decision *)&status;
    unsigned char *memory = aligned_room(65536);
    pylstm_error why = {PYLSTM_OK, ""};
    size_t needed = 77, k;
    GIVES(status, pylstm_decision_create(model, settings, n, &decision, &why));
    if (!strstr(why.message, text))
        fprintf(stderr, "expected: %s\ncame: %s\n", text, why.message);
    CHECK(!decision && why.status == status && strstr(why.message, text) && strlen(why.message) < sizeof why.message);
    GIVES(status, pylstm_decision_create(model, settings, n, &decision, NULL));
    CHECK(!decision);
    GIVES(status, pylstm_decision_size(model, settings, n, &needed, &why));
    CHECK(needed == 77 && why.status == status && strstr(why.message, text));
    decision = (pylstm_decision *)&status;
    GIVES(status, pylstm_decision_init(memory, 65536, model, settings, n, &decision, &why));
    CHECK(decision == (pylstm_decision *)&status && why.status == status && strstr(why.message, text));
    for (k = 0; k < 65536 && memory[k] == 0xa5; k++)
        ;
    CHECK(k == 65536);
    free(memory);
}

static void bad_settings(const models *m) {
    static const refusal wrong[] = {
        {{{"volume", "1"}}, "volume is no setting of words"},
        {{{"label", "yes"}}, "label is no setting of words"},
        {{{"threshold", "0"}}, "threshold is 0; expected a number above 0 and at most 1"},
        {{{"threshold", "1.0000001"}}, "threshold is 1.0000001; expected"},
        {{{"threshold", "nan"}}, "threshold is nan; expected"},
        {{{"threshold", ""}}, "threshold is empty; expected"},
        {{{"threshold", "0,5"}}, "threshold is 0,5; expected"},
        {{{"threshold.1", "-0.5"}}, "threshold.1 is -0.5; expected"},
        {{{"threshold.4", "0.5"}}, "threshold.4 is no setting"},
        {{{"threshold.01", "0.5"}}, "threshold.01 is no setting"},
        {{{"threshold.", "0.5"}}, "threshold. is no setting"},
        {{{"threshold.1.0", "0.5"}}, "threshold.1.0 is no setting"},
        {{{"threshold.99999999999999999999", "0.5"}}, "is no setting"},
        {{{"smoothing_frames", "0"}}, "smoothing_frames is 0; expected a whole number from 1 to 1000000"},
        {{{"smoothing_frames", "2.5"}}, "smoothing_frames is 2.5"},
        {{{"smoothing_frames", "1000001"}}, "smoothing_frames is 1000001"},
        {{{"refractory_frames", "-1"}}, "refractory_frames is -1"},
        {{{"min_frames", "0"}}, "min_frames is 0"},
        {{{"exclusive", "yes"}}, "exclusive is yes; expected one of: false, true"},
        {{{"report", "late"}}, "report is late; expected one of: early, final"},
        {{{"background", "music"}}, "background is music; expected labels of the model"},
        {{{"background", "silence,, no"}}, "expected labels of the model"},
        {{{"background", "silence, yes,no\t, maybe"}}, "background has all labels; expected one at least"},
        {{{"background.1", "yes"}}, "background.1 is yes; expected one of: false, true"},
        {{{"background.4", "true"}}, "background.4 is no setting"},
        {{{"kind", "vowels"}}, "kind is vowels; expected words, segments or symbols"},
        {{{"kind", ""}}, "kind is empty"},
        {{{"threshold", "0.5"}, {"threshold", "0.5"}}, "threshold is given twice"},
        {{{"kind", "segments"}}, "label is missing; expected which of the 4 outputs"},
        {{{"kind", "segments"}, {"label", "music"}}, "label is music; expected a label of the model"},
        {{{"kind", "segments"}, {"label", "yes"}, {"pad", "-0.1"}}, "pad is -0.1; expected a number from 0 to 86400"},
        {{{"kind", "segments"}, {"label", "yes"}, {"max_speech", "0"}}, "max_speech is 0; expected seconds above 0"},
        {{{"kind", "segments"}, {"label", "yes"}, {"max_speech", "inf"}}, "or none for no limit"},
        {{{"kind", "segments"}, {"label", "yes"}, {"neg_threshold", "0.6"}},
         "neg_threshold is 0.6; expected a number that is not"},
        {{{"kind", "segments"}, {"label", "yes"}, {"refractory_frames", "1"}}, "refractory_frames is no setting of segments"},
        {{{"kind", "symbols"}, {"blank", "4"}}, "blank is 4; expected a label of the model"},
        {{{"kind", "symbols"}, {"threshold", "0.5"}}, "threshold is no setting of symbols"},
    };
    char long_text[9000];
    pylstm_setting setting = {"threshold", long_text}, holes[2] = {{NULL, "1"}, {"threshold", NULL}};
    size_t k;
    for (k = 0; k < sizeof wrong / sizeof *wrong; k++)
        refused(PYLSTM_BAD_ARGUMENT, m->decides, wrong[k].settings, count(wrong[k].settings, 3), wrong[k].text);
    memset(long_text, '7', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    refused(PYLSTM_BAD_ARGUMENT, m->decides, &setting, 1, "threshold is 777");
    setting.key = long_text, setting.value = "1";
    refused(PYLSTM_BAD_ARGUMENT, m->decides, &setting, 1, "is no setting");
    refused(PYLSTM_BAD_ARGUMENT, m->decides, holes, 1, "settings[0] holds NULL");
    refused(PYLSTM_BAD_ARGUMENT, m->decides, holes + 1, 1, "settings[0] holds NULL");
    refused(PYLSTM_BAD_ARGUMENT, m->decides, NULL, 1, "settings is NULL");
    refused(PYLSTM_BAD_ARGUMENT, NULL, NULL, 0, "model is NULL");
    refused(PYLSTM_BAD_ARGUMENT, m->frames, NULL, 0, "no features");
    refused(PYLSTM_BAD_ARGUMENT, m->bare, NULL, 0, "kind is missing");
}

/* In memory of ours; as many bytes as are needed do. */
static void on_own_memory(const models *m) {
    static const pylstm_setting given[] = {{"threshold", "0.25"}};
    pylstm_decision *decision = NULL, *heap = NULL;
    pylstm_error why = {PYLSTM_OK, ""};
    size_t needed = 0;
    char *memory;
    GIVES(PYLSTM_OK, pylstm_decision_size(m->decides, given, 1, &needed, &why));
    CHECK(needed > 0 && why.status == PYLSTM_OK && !*why.message);
    memory = aligned_room(needed);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_size(m->decides, given, 1, NULL, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create(m->decides, given, 1, NULL, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_init(NULL, needed, m->decides, given, 1, &decision, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_init(memory, needed, m->decides, given, 1, NULL, &why));
    GIVES(PYLSTM_NO_MEMORY, pylstm_decision_init(memory, needed - 1, m->decides, given, 1, &decision, &why));
    CHECK(!decision && strstr(why.message, "bytes"));
    GIVES(PYLSTM_NO_MEMORY, pylstm_decision_init(memory + 8, needed, m->decides, given, 1, &decision, &why));
    CHECK(!decision);
    fail_allocation(1);
    GIVES(PYLSTM_NO_MEMORY, pylstm_decision_create(m->decides, given, 1, &heap, &why));
    CHECK(!heap && why.status == PYLSTM_NO_MEMORY && strstr(why.message, "bytes"));
    GIVES(PYLSTM_OK, pylstm_decision_init(memory, needed, m->decides, given, 1, &decision, &why));
    CHECK((char *)decision == memory && !*why.message);
    GIVES(PYLSTM_OK, pylstm_decision_create(m->decides, given, 1, &heap, &why));
    CHECK(pylstm_listener_size(decision) == pylstm_listener_size(heap) && pylstm_decision_threshold(decision, 1) == 0.25);
    pylstm_decision_destroy(heap), pylstm_decision_destroy(NULL);
    free(memory);
}

/* The number of a key among the settings in force. */
static double value_of(const pylstm_decision *decision, const char *wanted) {
    const char *key;
    double value;
    int k;
    for (k = 0;; k++) {
        GIVES(PYLSTM_OK, pylstm_decision_setting(decision, k, &key, &value));
        if (strcmp(key, wanted) == 0)
            return value;
    }
}

static pylstm_decision *with(const pylstm_model *model, const pylstm_setting *settings, size_t n) {
    pylstm_decision *decision = NULL;
    pylstm_error why;
    GIVES(PYLSTM_OK, pylstm_decision_create(model, settings, n, &decision, &why));
    return decision;
}

/* Whose number counts: the file's, or one that is given. */
static void settings_in_force(const models *m) {
    static const pylstm_setting all[] = {{"threshold", "0.7"}}, one[] = {{"threshold.1", "0.9"}, {"report", "final"}},
                                both[] = {{"threshold.3", "1"},
                                          {"background", ""},
                                          {"threshold", "0.125"},
                                          {"background.1", "true"}},
                                kind[] = {{"kind", "segments"}, {"label", "no"}, {"threshold", "0.12"}},
                                same[] = {{"kind", "words"}}, symbols[] = {{"kind", "symbols"}},
                                quiet[] = {{"threshold", "0.2"}};
    pylstm_decision *d = with(m->decides, NULL, 0);
    const char *key = "none";
    double value = 7;
    CHECK(strcmp(pylstm_decision_kind_of(d), "words") == 0 && !pylstm_decision_kind_of(NULL));
    CHECK(value_of(d, "threshold") == 0.3 && value_of(d, "smoothing_frames") == 3 && value_of(d, "refractory_frames") == 5);
    CHECK(value_of(d, "min_frames") == 1 && value_of(d, "exclusive") == 1 && value_of(d, "report") == 0);
    CHECK(pylstm_decision_threshold(d, 0) == 0 && pylstm_decision_threshold(d, 1) == 0.3); /* the first is background */
    CHECK(pylstm_decision_threshold(d, 2) == 0.4 && pylstm_decision_threshold(d, 4) == 0);
    CHECK(pylstm_decision_threshold(d, -1) == 0 && pylstm_decision_threshold(NULL, 1) == 0);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_setting(d, -1, &key, &value));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_setting(d, 6, &key, &value));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_setting(NULL, 0, &key, &value));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_setting(d, 0, NULL, &value));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_setting(d, 0, &key, NULL));
    CHECK(strcmp(key, "none") == 0 && value == 7);
    pylstm_decision_destroy(d);
    d = with(m->decides, all, 1); /* for all labels, also for the one that has its own in the file */
    CHECK(pylstm_decision_threshold(d, 1) == 0.7 && pylstm_decision_threshold(d, 2) == 0.7);
    pylstm_decision_destroy(d);
    d = with(m->decides, one, 2);
    CHECK(pylstm_decision_threshold(d, 1) == 0.9 && pylstm_decision_threshold(d, 2) == 0.4 && value_of(d, "report") == 1);
    pylstm_decision_destroy(d);
    d = with(m->decides, both, 4);
    CHECK(pylstm_decision_threshold(d, 0) == 0.125 && pylstm_decision_threshold(d, 2) == 0.125);
    CHECK(pylstm_decision_threshold(d, 3) == 1 && pylstm_decision_threshold(d, 1) == 0);
    pylstm_decision_destroy(d);
    d = with(m->decides, same, 1);
    CHECK(pylstm_decision_threshold(d, 2) == 0.4);
    pylstm_decision_destroy(d);
    d = with(m->decides, kind, 3); /* another kind: nothing of the file holds */
    CHECK(strcmp(pylstm_decision_kind_of(d), "segments") == 0 && value_of(d, "label") == 2 && value_of(d, "threshold") == 0.12);
    CHECK(value_of(d, "neg_threshold") == 0.01 && value_of(d, "smoothing_frames") == 1 && value_of(d, "min_speech") == 0.25);
    CHECK(value_of(d, "max_speech") == 1e300 && value_of(d, "report") == 1 && pylstm_decision_threshold(d, 2) == 0);
    pylstm_decision_destroy(d);
    d = with(m->decides, symbols, 1);
    CHECK(strcmp(pylstm_decision_kind_of(d), "symbols") == 0 && value_of(d, "blank") == 0);
    pylstm_decision_destroy(d);
    d = with(m->speech, NULL, 0); /* one output: it is the label; a threshold that is given goes with its own for silence */
    CHECK(strcmp(pylstm_decision_kind_of(d), "segments") == 0 && value_of(d, "label") == 0 &&
          value_of(d, "neg_threshold") == 0.5);
    pylstm_decision_destroy(d);
    d = with(m->speech, quiet, 1);
    CHECK(value_of(d, "threshold") == 0.2 && value_of(d, "neg_threshold") == 0.2 - 0.15);
    pylstm_decision_destroy(d);
    d = with(m->words, NULL, 0); /* the notes of an older file */
    CHECK(value_of(d, "threshold") == 0.45 && value_of(d, "smoothing_frames") == 10 && value_of(d, "refractory_frames") == 40);
    CHECK(value_of(d, "exclusive") == 1 && pylstm_decision_threshold(d, 0) == 0 && pylstm_decision_threshold(d, 2) == 0.45);
    pylstm_decision_destroy(d);
    d = with(m->sounds, NULL, 0); /* labels and nothing else: the defaults; sigmoids are independent */
    CHECK(value_of(d, "threshold") == 0.5 && value_of(d, "exclusive") == 0 && pylstm_decision_threshold(d, 0) == 0.5);
    pylstm_decision_destroy(d);
}

static void of_rows(void) {
    static const char *const labels[] = {"a", "b"}, *const alike[] = {"a", "a"}, *const empty[] = {"a", ""};
    static const char *const hole[] = {"a", NULL};
    static const pylstm_setting words[] = {{"kind", "words"}, {"background", "0, 2"}}, symbols[] = {{"kind", "symbols"}},
                                nowhere[] = {{"kind", "segments"}, {"label", "3"}},
                                zero[] = {{"kind", "words"}, {"background", "00"}};
    const double hops[] = {0, -1, 3601, NAN};
    pylstm_decision *d = NULL;
    pylstm_error why;
    size_t k;
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(labels, 2, 0.01, NULL, 0, NULL, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(labels, 0, 0.01, NULL, 0, &d, &why));
    CHECK(strstr(why.message, "n_outputs is 0; expected 1 to 65536"));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(NULL, 65537, 0.01, NULL, 0, &d, NULL));
    for (k = 0; k < sizeof hops / sizeof *hops; k++) {
        GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(labels, 2, hops[k], NULL, 0, &d, &why));
        CHECK(strstr(why.message, "hop_seconds is"));
    }
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(hole, 2, 0.01, NULL, 0, &d, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(NULL, 2, 0.01, NULL, 0, &d, &why));
    CHECK(strstr(why.message, "kind is missing"));
    GIVES(PYLSTM_BAD_MODEL, pylstm_decision_create_for_rows(alike, 2, 0.01, NULL, 0, &d, &why));
    CHECK(strstr(why.message, "labels.1 is 'a'; expected a name that no other label has"));
    GIVES(PYLSTM_BAD_MODEL, pylstm_decision_create_for_rows(empty, 2, 0.01, NULL, 0, &d, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(labels, 2, 0.01, NULL, 1, &d, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(NULL, 3, 0.01, nowhere, 2, &d, &why));
    CHECK(strstr(why.message, "label is 3; expected the number of an output, from 0 to 2"));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(NULL, 3, 0.01, zero, 2, &d, &why));
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(NULL, 1, 0.01, symbols, 1, &d, &why));
    CHECK(strstr(why.message, "kind is symbols; expected another one"));
    fail_allocation(1);
    GIVES(PYLSTM_NO_MEMORY, pylstm_decision_create_for_rows(labels, 2, 0.01, NULL, 0, &d, &why));
    CHECK(!d);
    GIVES(PYLSTM_BAD_ARGUMENT, pylstm_decision_create_for_rows(NULL, 2049, 3600, words, 2, &d, &why));
    CHECK(strstr(why.message, "there are 2049 outputs; expected at most 2048 for words"));
    GIVES(PYLSTM_OK, pylstm_decision_create_for_rows(NULL, 65536, 3600, symbols, 1, &d, NULL));
    pylstm_decision_destroy(d);
    GIVES(PYLSTM_OK, pylstm_decision_create_for_rows(NULL, 2048, 3600, words, 2, &d, NULL));
    CHECK(pylstm_decision_threshold(d, 0) == 0 && pylstm_decision_threshold(d, 1) == 0.5);
    CHECK(pylstm_decision_threshold(d, 2) == 0 && pylstm_decision_threshold(d, 2047) == 0.5);
    pylstm_decision_destroy(d);
}

/* Files whose settings no listener could be made with do not become models. */
static void bad_files(const char *folder) {
    static const char *const names[][2] = {
        {"decision_unused", "[unused-key] nothing in a decision of the kind words reads 'decision.blank'"},
        {"decision_kind", "[decision] 'decision.kind' is 'vowels'; expected words, segments or symbols"},
        {"decision_value", "[decision] 'decision.threshold.1' is '2'; expected a number above 0 and at most 1"},
        {"decision_label", "[decision] 'decision.label' is 'nobody'; expected a label of the model"},
    };
    size_t k;
    for (k = 0; k < sizeof names / sizeof *names; k++) {
        file f = read_file(folder, names[k][0]);
        pylstm_model *model;
        pylstm_error why;
        GIVES(PYLSTM_BAD_MODEL, pylstm_model_create(f.bytes, f.size, &model, &why));
        if (!strstr(why.message, names[k][1]))
            fprintf(stderr, "%s\n", why.message);
        CHECK(!model && strstr(why.message, names[k][1]));
        free(f.bytes);
    }
}

void test_decisions(const models *m, const char *folder) {
    bad_settings(m);
    on_own_memory(m);
    settings_in_force(m);
    of_rows();
    bad_files(folder);
}
