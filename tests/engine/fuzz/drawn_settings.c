/* Settings of a decision, drawn at random; all of them are good, but that neg_threshold may lie above threshold. */
#include "fuzz.h"

#include <stdio.h>
#include <string.h>

static void set(settings *to, const char *key, const char *value) {
    snprintf(to->texts[2 * to->n], 64, "%s", key);
    snprintf(to->texts[2 * to->n + 1], 64, "%s", value);
    to->of[to->n] = (pylstm_setting){to->texts[2 * to->n], to->texts[2 * to->n + 1]};
    to->n++;
}

/* One of a list with commas; half of the time the key is not set. */
static void maybe(settings *to, const char *key, const char *choices) {
    size_t n = 1, which, k;
    char one[64];
    for (k = 0; choices[k]; k++)
        n += choices[k] == ',';
    if (random_below(2))
        return;
    for (which = random_below(n); which > 0; which--)
        choices = strchr(choices, ',') + 1;
    snprintf(one, sizeof one, "%.*s", (int)strcspn(choices, ","), choices);
    set(to, key, one);
}

static const char *name_of(const char *const *labels, size_t output, char number[16]) {
    snprintf(number, 16, "%zu", output);
    return labels ? labels[output] : number;
}

#define THRESHOLDS "0.5,0.25,1,0.001,0.75,0.3,0.1"

static void draw_words(settings *to, const char *const *labels, size_t n_outputs) {
    char key[32], number[16], background[64] = "";
    size_t k;
    set(to, "kind", "words");
    maybe(to, "threshold", THRESHOLDS);
    for (k = 0; k < n_outputs && k < 5; k++) {
        snprintf(key, sizeof key, "threshold.%zu", k);
        if (random_below(3) == 0)
            maybe(to, key, THRESHOLDS);
    }
    maybe(to, "smoothing_frames", "1,2,3,7,50,1");
    maybe(to, "refractory_frames", "0,1,2,5,1000000000,0");
    maybe(to, "min_frames", "1,2,5");
    maybe(to, "exclusive", "true,false");
    maybe(to, "report", "early,final");
    for (k = 0; k + 1 < n_outputs && k < 4; k++) {
        if (random_below(4) == 0)
            snprintf(background + strlen(background), 16, "%s%s", *background ? ", " : "", name_of(labels, k, number));
    }
    if (*background)
        set(to, "background", background);
}

static void draw_segments(settings *to, const char *const *labels, size_t n_outputs) {
    char number[16];
    set(to, "kind", "segments");
    set(to, "label", name_of(labels, random_below(n_outputs), number));
    maybe(to, "threshold", "0.5,0.3,0.75,1");
    maybe(to, "neg_threshold", "0.3,0.1,-1,0");
    maybe(to, "smoothing_frames", "1,2,5,1");
    maybe(to, "min_speech", "0,0.01,0.03,0.1,86400");
    maybe(to, "min_silence", "0,0.01,0.03,0.05");
    maybe(to, "pad", "0,0.005,0.015,0.04,86400");
    maybe(to, "max_speech", "none,0.001,0.02,0.05,0.1,0.2");
    maybe(to, "min_silence_at_max_speech", "0,0.01,0.02");
    maybe(to, "report", "early,final");
}

static void draw_symbols(settings *to, const char *const *labels, size_t n_outputs) {
    char number[16];
    set(to, "kind", "symbols");
    if (random_below(2))
        set(to, "blank", name_of(labels, random_below(n_outputs), number));
    maybe(to, "report", "early,final");
}

void draw_settings(settings *to, const char *const *labels, size_t n_outputs) {
    const size_t kind = random_below(n_outputs > 1 ? 5 : 4);
    to->n = 0;
    if (kind < 2)
        draw_words(to, labels, n_outputs);
    else if (kind < 4)
        draw_segments(to, labels, n_outputs);
    else
        draw_symbols(to, labels, n_outputs);
}
