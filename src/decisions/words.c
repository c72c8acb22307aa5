/* The decision "words": a keyword or a sound is an event when the average of its last posteriors reaches its threshold.
 *
 * Onset and offset follow the posteriors themselves: rows with at least half the threshold support a word, and a stretch of
 * support bridges gaps that the average bridges.
 */
#include "decisions/decisions.h"
#include "decisions/report.h"
#include "decisions/smoothing.h"
#include "platform/errors.h"
#include "platform/hash.h"

#include <string.h>

enum { THRESHOLD, SMOOTHING, REFRACTORY, MIN_FRAMES, EXCLUSIVE, REPORT };

static const char *const yes_or_no[] = {"false", "true", NULL};

static const pylstm_setting_rule rules[] = {
    [THRESHOLD] = {"threshold", PYLSTM_SETTING_ABOVE, 0, 1, 0.5, NULL},
    [SMOOTHING] = {"smoothing_frames", PYLSTM_SETTING_COUNT, 1, PYLSTM_MOST_SMOOTHED, 10, NULL},
    [REFRACTORY] = {"refractory_frames", PYLSTM_SETTING_COUNT, 0, 1e9, 40, NULL},
    [MIN_FRAMES] = {"min_frames", PYLSTM_SETTING_COUNT, 1, 1e9, 1, NULL},
    [EXCLUSIVE] = {"exclusive", PYLSTM_SETTING_CHOICE, 0, 0, -1, yes_or_no},
    [REPORT] = {"report", PYLSTM_SETTING_CHOICE, 0, 0, PYLSTM_REPORT_EARLY, pylstm_reports},
    {.key = NULL},
};

#define BACKGROUND  "background"
#define OF_A_LABEL  "threshold."  /* followed by the number of an output */
#define IS_SILENT   "background." /* likewise: true or false */
#define NO_SUCH_ROW (-1)

/* Settings are looked up for each output; a file has no room for more labels. */
#define MOST_WORDS 2048

/* An output that is reported. */
typedef struct word {
    int output;
    double given;      /* its threshold, */
    int64_t threshold; /* and in the units of smoothing */
} word;

typedef struct words_config {
    const word *words;
    int n, exclusive, is_final;
    int64_t smoothing, refractory, min_frames;
} words_config;
PYLSTM_CHECK_DECISION_CONFIG(words_config);

/* What is remembered of a word. */
typedef struct heard {
    int64_t sum;          /* of the last posteriors */
    int64_t first, last;  /* rows of the stretch that supports it */
    int64_t above;        /* rows in a row on which its average reached the threshold */
    int64_t disarmed;     /* 1 from an event until its average has been below the threshold */
    int64_t quiet_until;  /* row; in exclusive decisions all words have the same */
    int64_t decided;      /* row of the event that is still to be reported; NO_SUCH_ROW: none */
    int64_t onset, score; /* of that event: a row, a sum */
} heard;

static heard *heard_of(void *state) {
    return state;
}

/* smoothing rows of n values, the row of t at t % smoothing. */
static int64_t *ring_of(const words_config *config, void *state) {
    return (int64_t *)(heard_of(state) + config->n);
}

/* --- settings --------------------------------------------------------------------------------------------------------- */

/* Whether a key is that of an output, such as "threshold.3". */
static int is_for_output(const pylstm_outputs *outputs, const char *key, const char *beginning) {
    const size_t length = strlen(beginning);
    return strncmp(key, beginning, length) == 0 && pylstm_output_numbered(outputs, key + length, strlen(key + length)) >= 0;
}

static int words_knows(const pylstm_decision *decision, const char *key) {
    const pylstm_outputs *outputs = &decision->outputs;
    return strcmp(key, BACKGROUND) == 0 || is_for_output(outputs, key, OF_A_LABEL) || is_for_output(outputs, key, IS_SILENT);
}

/* Finds what holds for an output: its own key, or the one for all. What was given goes before what stands in the file, also
 * where that is for the output alone. Returns the key that was found, or NULL. */
static const char *find_for(const pylstm_settings *settings, const char *all, const char *beginning, int output, char key[32],
                            pylstm_setting_found *found) {
    const pylstm_settings given = {.given = settings->given};
    pylstm_format(key, 32, "%s%d", beginning, output);
    if (pylstm_setting_find(&given, key, found))
        return key;
    if (pylstm_setting_find(&given, all, found))
        return all;
    if (pylstm_setting_find(settings, key, found))
        return key;
    return pylstm_setting_find(settings, all, found) ? all : NULL;
}

static pylstm_status read_threshold(const pylstm_decision *decision, const pylstm_settings *settings, int output,
                                    double *threshold, pylstm_error *why) {
    char key[32];
    pylstm_setting_found found;
    const char *name = find_for(settings, rules[THRESHOLD].key, OF_A_LABEL, output, key, &found);
    if (!name)
        return *threshold = rules[THRESHOLD].fallback, PYLSTM_OK;
    return pylstm_setting_read(settings, &rules[THRESHOLD], name, &decision->outputs, threshold, why);
}

/* Whether an output is one of the names. */
static int is_named(const pylstm_outputs *outputs, const char *names, int output) {
    const char *name;
    size_t length;
    names = pylstm_names_in(names);
    while ((name = pylstm_next_name(&names, &length)) != NULL) {
        if (!outputs->labels ? pylstm_output_numbered(outputs, name, length) == output
                             : strlen(outputs->labels[output]) == length && memcmp(outputs->labels[output], name, length) == 0)
            return 1;
    }
    return 0;
}

/* Whether an output is never reported. */
static int is_silent(const pylstm_decision *decision, const pylstm_settings *settings, int output) {
    char key[32];
    pylstm_setting_found found;
    const char *name = find_for(settings, BACKGROUND, IS_SILENT, output, key, &found);
    if (!name)
        return 0;
    return name == key ? strcmp(found.value, "true") == 0 : is_named(&decision->outputs, found.value, output);
}

static pylstm_status check_background(const pylstm_decision *decision, const pylstm_settings *settings, pylstm_error *why) {
    static const pylstm_setting_rule flag = {IS_SILENT, PYLSTM_SETTING_CHOICE, 0, 0, 0, yes_or_no};
    const pylstm_outputs *outputs = &decision->outputs;
    pylstm_setting_found found = {.value = ""};
    const char *names, *name;
    char key[32];
    double value;
    size_t length;
    int n = 0;
    if (pylstm_setting_find(settings, BACKGROUND, &found)) {
        for (names = pylstm_names_in(found.value); (name = pylstm_next_name(&names, &length)) != NULL;) {
            if (pylstm_output_named(outputs, name, length) < 0)
                return pylstm_setting_fail(&found, BACKGROUND, "labels of the model, with commas between them, or nothing",
                                           why);
        }
    }
    for (int k = 0; k < outputs->n; k++) {
        pylstm_format(key, sizeof key, IS_SILENT "%d", k);
        PYLSTM_TRY(pylstm_setting_read(settings, &flag, key, outputs, &value, why));
        n += is_silent(decision, settings, k);
    }
    if (n < outputs->n)
        return PYLSTM_OK;
    return pylstm_fail(why, found.list == &settings->given ? PYLSTM_BAD_ARGUMENT : PYLSTM_BAD_MODEL,
                       "background has all labels; expected one at least that is not in it");
}

static pylstm_status words_check(const pylstm_decision *decision, const pylstm_settings *settings, pylstm_error *why) {
    pylstm_setting_found found;
    double threshold;
    if (decision->outputs.n > MOST_WORDS) {
        const int is_given = pylstm_setting_find(settings, "kind", &found) && found.list == &settings->given;
        return pylstm_fail(why, is_given ? PYLSTM_BAD_ARGUMENT : PYLSTM_BAD_MODEL,
                           "%sthere are %d outputs; expected at most %d for words", is_given ? "" : "[decision] ",
                           decision->outputs.n, MOST_WORDS);
    }
    for (int k = 0; k < decision->outputs.n; k++)
        PYLSTM_TRY(read_threshold(decision, settings, k, &threshold, why));
    return check_background(decision, settings, why);
}

static void words_lay_out(pylstm_decision *decision, const pylstm_settings *settings, pylstm_arena *arena) {
    words_config *config = (void *)decision->config;
    word *words = pylstm_arena_take(arena, (size_t)decision->outputs.n, sizeof *words);
    uint64_t state_size;
    int n = 0;
    for (int k = 0; k < decision->outputs.n; k++) {
        double threshold;
        if (is_silent(decision, settings, k))
            continue;
        read_threshold(decision, settings, k, &threshold, NULL);
        if (words)
            words[n] = (word){.output = k, .given = threshold, .threshold = pylstm_smoothing_threshold(threshold)};
        /* A threshold for all that no label is left for decides nothing: equal words are equal decisions. */
        if (n++ == 0)
            decision->values[THRESHOLD] = threshold;
    }
    if (decision->values[EXCLUSIVE] < 0)
        decision->values[EXCLUSIVE] = !decision->outputs.independent;
    *config = (words_config){
        .words = words,
        .n = n,
        .exclusive = decision->values[EXCLUSIVE] != 0,
        .is_final = decision->values[REPORT] == PYLSTM_REPORT_FINAL,
        .smoothing = (int64_t)decision->values[SMOOTHING],
        .refractory = (int64_t)decision->values[REFRACTORY],
        .min_frames = (int64_t)decision->values[MIN_FRAMES],
    };
    state_size = (uint64_t)n * (sizeof(heard) + (uint64_t)config->smoothing * sizeof(int64_t));
    decision->state_size = state_size < SIZE_MAX ? (size_t)state_size : SIZE_MAX;
}

static uint64_t words_hash(const pylstm_decision *decision, uint64_t hash) {
    const words_config *config = pylstm_decision_config(decision);
    for (int k = 0; k < config->n; k++) {
        const int64_t of[3] = {(int64_t)hash, config->words[k].output, config->words[k].threshold};
        hash = pylstm_hash(of, sizeof of);
    }
    return hash;
}

static double words_threshold_of(const pylstm_decision *decision, int output) {
    const words_config *config = pylstm_decision_config(decision);
    int low = 0, high = config->n;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (config->words[middle].output < output)
            low = middle + 1;
        else
            high = middle;
    }
    return low < config->n && config->words[low].output == output ? config->words[low].given : 0;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

static void words_begin(const pylstm_decision *decision, void *state) {
    const words_config *config = pylstm_decision_config(decision);
    for (int k = 0; k < config->n; k++)
        heard_of(state)[k].first = heard_of(state)[k].last = heard_of(state)[k].decided = NO_SUCH_ROW;
}

/* Reports the event of a word: onset and score as they were when it was decided, offset as it is now. */
static void report(const pylstm_decision *decision, const heard *h, int k, pylstm_events *events) {
    const words_config *config = pylstm_decision_config(decision);
    const int64_t end = h->last > h->onset ? h->last + 1 : h->onset + 1;
    pylstm_event_add(decision, events,
                     (pylstm_event){
                         .kind = PYLSTM_WORD,
                         .label = config->words[k].output,
                         .time = pylstm_row_ticks(decision, h->decided),
                         .onset = pylstm_row_ticks(decision, h->onset),
                         .offset = pylstm_row_ticks(decision, end),
                         .score = pylstm_smoothing_average(h->score, config->smoothing),
                     });
}

/* A word whose event is still to be reported is over. */
static void end_word(const pylstm_decision *decision, heard *h, int k, pylstm_events *events) {
    if (h->decided == NO_SUCH_ROW)
        return;
    report(decision, h, k, events);
    h->decided = NO_SUCH_ROW;
}

/* Takes the posterior of a word. Returns whether its average reaches the threshold. */
static int follow(const words_config *config, heard *h, int64_t *place, int k, int64_t t, double posterior) {
    const int64_t threshold = config->words[k].threshold, units = pylstm_smoothing_units(posterior);
    pylstm_smoothing_take(&h->sum, place, units);
    if (2 * units >= threshold) {
        if (h->last == NO_SUCH_ROW || t - h->last > config->smoothing)
            h->first = t;
        h->last = t;
    }
    if (h->sum < threshold * config->smoothing) {
        h->above = 0;
        h->disarmed = 0;
        return 0;
    }
    h->above++;
    return 1;
}

/* Makes a word whose average reaches the threshold an event, if nothing speaks against it. */
static void decide(const pylstm_decision *decision, heard *all, int k, int64_t t, pylstm_events *events) {
    const words_config *config = pylstm_decision_config(decision);
    heard *h = &all[k];
    if (h->above < config->min_frames || h->disarmed || t < h->quiet_until)
        return;
    for (int other = 0; config->exclusive && other < config->n; other++) {
        end_word(decision, &all[other], other, events);
        all[other].quiet_until = t + 1 + config->refractory;
    }
    h->disarmed = 1;
    h->quiet_until = t + 1 + config->refractory;
    h->decided = t;
    h->onset = h->last == NO_SUCH_ROW ? t : h->first;
    h->score = h->sum;
    if (!config->is_final)
        end_word(decision, h, k, events);
}

static void words_take(const pylstm_decision *decision, void *state, int64_t t, pylstm_row row, pylstm_events *events) {
    const words_config *config = pylstm_decision_config(decision);
    heard *all = heard_of(state);
    int64_t *places = ring_of(config, state) + t % config->smoothing * config->n;
    int best = -1;
    for (int k = 0; k < config->n; k++) {
        if (!follow(config, &all[k], &places[k], k, t, pylstm_row_value(row, config->words[k].output)))
            end_word(decision, &all[k], k, events);
        else if (!config->exclusive)
            decide(decision, all, k, t, events);
        else if (best < 0 || all[k].sum > all[best].sum)
            best = k;
    }
    if (best >= 0)
        decide(decision, all, best, t, events);
}

static void words_finish(const pylstm_decision *decision, void *state, int64_t n, double length, pylstm_events *events) {
    const words_config *config = pylstm_decision_config(decision);
    (void)n, (void)length;
    for (int k = 0; k < config->n; k++)
        end_word(decision, &heard_of(state)[k], k, events);
}

/* Between two events of a word, or of any where they are exclusive, lie the refractory rows; one may be waiting. */
static uint64_t words_most_events(const pylstm_decision *decision, uint64_t n) {
    const words_config *config = pylstm_decision_config(decision);
    const uint64_t each = n / ((uint64_t)config->refractory + 1) + 2;
    const uint64_t words = config->exclusive ? 1 : (uint64_t)config->n;
    return each < UINT64_MAX / words ? each * words : UINT64_MAX; /* of more rows than ever come */
}

/* --- snapshots -------------------------------------------------------------------------------------------------------- */

/* Whether a number is a row before n, or none. */
static int is_row(int64_t row, int64_t n) {
    return row >= NO_SUCH_ROW && row < n;
}

/* Whether last is the last row that supports a word, as far as its ring, which begins at `ring`, goes back from row n. */
static int is_last_support(const words_config *config, const void *ring, int k, int64_t last, int64_t n) {
    const int64_t oldest = n > config->smoothing ? n - config->smoothing : 0;
    for (int64_t t = n - 1; t >= oldest; t--) {
        if (2 * pylstm_smoothing_units_at(ring, t % config->smoothing * config->n + k) >= config->words[k].threshold)
            return last == t;
    }
    return last < oldest;
}

static int words_valid(const pylstm_decision *decision, const void *state, int64_t n) {
    const words_config *config = pylstm_decision_config(decision);
    const char *const ring = (const char *)state + (size_t)config->n * sizeof(heard);
    const int64_t most = (int64_t)(PYLSTM_LARGEST_POSTERIOR * PYLSTM_SMOOTHING_UNIT) * config->smoothing;
    int64_t quiet_until = 0;
    int waiting = 0;
    for (int k = 0; k < config->n; k++) {
        heard copy;
        const heard *h = memcpy(&copy, (const char *)state + (size_t)k * sizeof copy, sizeof copy);
        quiet_until = k ? quiet_until : h->quiet_until;
        if (!pylstm_smoothing_valid(h->sum, ring + (size_t)k * sizeof(int64_t), config->smoothing, config->n, n))
            return 0;
        if (!is_row(h->first, n) || !is_row(h->last, n) || h->first > h->last || (h->first < 0) != (h->last < 0) ||
            !is_last_support(config, ring, k, h->last, n))
            return 0;
        if (h->above < 0 || h->above > n || (h->above > 0) != (n && h->sum >= config->words[k].threshold * config->smoothing))
            return 0;
        if ((h->disarmed != 0 && h->disarmed != 1) || (h->disarmed && !h->above))
            return 0;
        if (h->quiet_until < 0 || h->quiet_until > n + config->refractory ||
            (config->exclusive && h->quiet_until != quiet_until))
            return 0;
        if (!is_row(h->decided, n) || (h->decided >= 0 && (!config->is_final || !h->disarmed || h->onset > h->decided)))
            return 0;
        if (h->onset < 0 || h->onset > h->last + (h->onset == 0) || h->score < -most || h->score > most)
            return 0;
        waiting += h->decided >= 0;
        if (config->exclusive && waiting > 1) /* words_most_events counts one */
            return 0;
    }
    return 1;
}

const pylstm_decision_kind pylstm_decision_words = {
    .name = "words",
    .rules = rules,
    .more_keys = ", background",
    .knows = words_knows,
    .check = words_check,
    .lay_out = words_lay_out,
    .hash = words_hash,
    .threshold_of = words_threshold_of,
    .begin = words_begin,
    .take = words_take,
    .finish = words_finish,
    .most_events = words_most_events,
    .valid = words_valid,
};
