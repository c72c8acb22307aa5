/* The decision "segments": from when to when somebody speaks, by the rules of silero-vad 6.2 (get_speech_timestamps and
 * VADIterator): hysteresis of two thresholds, minimum lengths of speech and silence, padding, a maximum length.
 *
 * Those rules look at a whole recording; here each start and end is given on the first row that settles it.
 */
#include "decisions/decisions.h"
#include "decisions/report.h"
#include "decisions/smoothing.h"
#include "platform/errors.h"

#include <math.h>

enum {
    LABEL,
    THRESHOLD,
    NEG_THRESHOLD,
    SMOOTHING,
    MIN_SPEECH,
    MIN_SILENCE,
    PAD,
    MAX_SPEECH,
    MIN_SILENCE_AT_MAX_SPEECH,
    REPORT
};

#define DAY 86400.0 /* seconds */

/* How far the threshold for silence lies below that for speech, and where it ends, if it is not given. */
#define NEG_BELOW 0.15
#define NEG_LEAST 0.01

static const pylstm_setting_rule rules[] = {
    [LABEL] = {"label", PYLSTM_SETTING_OUTPUT, 0, 0, -1, NULL},
    [THRESHOLD] = {"threshold", PYLSTM_SETTING_ABOVE, 0, 1, 0.5, NULL},
    [NEG_THRESHOLD] = {"neg_threshold", PYLSTM_SETTING_NUMBER, -1, 1, -2, NULL},
    [SMOOTHING] = {"smoothing_frames", PYLSTM_SETTING_COUNT, 1, PYLSTM_MOST_SMOOTHED, 1, NULL},
    [MIN_SPEECH] = {"min_speech", PYLSTM_SETTING_NUMBER, 0, DAY, 0.25, NULL},
    [MIN_SILENCE] = {"min_silence", PYLSTM_SETTING_NUMBER, 0, DAY, 0.1, NULL},
    [PAD] = {"pad", PYLSTM_SETTING_NUMBER, 0, DAY, 0.03, NULL},
    [MAX_SPEECH] = {"max_speech", PYLSTM_SETTING_SECONDS, 0, DAY, PYLSTM_NO_LIMIT, NULL},
    [MIN_SILENCE_AT_MAX_SPEECH] = {"min_silence_at_max_speech", PYLSTM_SETTING_NUMBER, 0, DAY, 0.098, NULL},
    [REPORT] = {"report", PYLSTM_SETTING_CHOICE, 0, 0, PYLSTM_REPORT_FINAL, pylstm_reports},
    {.key = NULL},
};

/* Lengths are in rows, since they are compared with whole numbers of them: a length within 1e-6 of one is one. */
typedef struct segments_config {
    int output, is_final;
    int64_t smoothing;
    double threshold, neg_threshold;
    double min_speech, min_silence, one_pad, two_pads, max_speech, min_pause;
    double pad; /* ticks */
} segments_config;
PYLSTM_CHECK_DECISION_CONFIG(segments_config);

#define NO_SUCH_ROW (-1)

/* Rows, unless something else is said. */
typedef struct speech {
    int64_t speaking;            /* 1 from the first row of a segment to the row that ends it */
    int64_t start;               /* of the segment */
    int64_t silence;             /* where the silence that may end it began; NO_SUCH_ROW: there is none */
    int64_t pause, pause_length; /* the longest pause in it so far; length 0: none that counts */
    int64_t announced;           /* 1: its start has been given */
    int64_t ended;               /* where the segment before ended; NO_SUCH_ROW: there was none */
    int64_t waiting;             /* 1: that end is still to be given */
    double onset;                /* of the segment, as it was announced: ticks */
    double highest;              /* its highest probability, */
    double pause_highest;        /* that before the longest pause, */
    double since_pause;          /* and that behind it */
    double waiting_onset, waiting_highest;
    int64_t sum; /* of the ring behind the struct, where probabilities are smoothed */
} speech;

static int64_t *ring_of(void *state) {
    return (int64_t *)((speech *)state + 1);
}

/* --- settings --------------------------------------------------------------------------------------------------------- */

/* A number that rounding has moved away from a whole one. */
static double mended(double number) {
    const double whole = floor(number + 0.5);
    return number < 1e15 && fabs(number - whole) < 1e-6 ? whole : number;
}

static double rows_of(const pylstm_decision *decision, double seconds) {
    return mended(seconds * decision->rate / decision->hop);
}

/* A threshold that was given goes before one for silence that stands in the file. */
static int neg_threshold_holds(const pylstm_settings *settings) {
    pylstm_setting_found found;
    if (!pylstm_setting_find(settings, rules[NEG_THRESHOLD].key, &found))
        return 0;
    return found.list == &settings->given || !pylstm_setting_find(settings, rules[THRESHOLD].key, &found) ||
           found.list == &settings->file;
}

static pylstm_status segments_check(const pylstm_decision *decision, const pylstm_settings *settings, pylstm_error *why) {
    const double threshold = decision->values[THRESHOLD], neg = decision->values[NEG_THRESHOLD];
    pylstm_setting_found found;
    if (decision->values[LABEL] < 0 && decision->outputs.n > 1) {
        const int is_of_file = pylstm_setting_find(settings, "kind", &found) && found.list == &settings->file;
        return pylstm_fail(why, is_of_file ? PYLSTM_BAD_MODEL : PYLSTM_BAD_ARGUMENT,
                           "%s is missing; expected which of the %d outputs says that somebody speaks",
                           is_of_file ? "[decision] 'decision.label'" : "label", decision->outputs.n);
    }
    if (neg > threshold && neg_threshold_holds(settings) && pylstm_setting_find(settings, rules[NEG_THRESHOLD].key, &found))
        return pylstm_setting_fail(&found, rules[NEG_THRESHOLD].key, "a number that is not above threshold", why);
    return PYLSTM_OK;
}

static double default_neg_threshold(double threshold) {
    const double neg = threshold - NEG_BELOW > NEG_LEAST ? threshold - NEG_BELOW : NEG_LEAST;
    return neg < threshold ? neg : threshold;
}

static void segments_lay_out(pylstm_decision *decision, const pylstm_settings *settings, pylstm_arena *arena) {
    segments_config *config = (void *)decision->config;
    double *values = decision->values;
    (void)arena;
    if (values[LABEL] < 0)
        values[LABEL] = 0;
    if (!neg_threshold_holds(settings))
        values[NEG_THRESHOLD] = default_neg_threshold(values[THRESHOLD]);
    *config = (segments_config){
        .output = (int)values[LABEL],
        .is_final = values[REPORT] == PYLSTM_REPORT_FINAL,
        .smoothing = (int64_t)values[SMOOTHING],
        .threshold = values[THRESHOLD],
        .neg_threshold = values[NEG_THRESHOLD],
        .min_speech = rows_of(decision, values[MIN_SPEECH]),
        .min_silence = rows_of(decision, values[MIN_SILENCE]),
        .one_pad = rows_of(decision, values[PAD]),
        .two_pads = rows_of(decision, 2 * values[PAD]),
        .max_speech = PYLSTM_NO_LIMIT,
        .min_pause = rows_of(decision, values[MIN_SILENCE_AT_MAX_SPEECH]),
        .pad = mended(values[PAD] * decision->rate),
    };
    if (values[MAX_SPEECH] < PYLSTM_NO_LIMIT) /* pads and the row that notices it count */
        config->max_speech = rows_of(decision, values[MAX_SPEECH] - 2 * values[PAD] - decision->hop / decision->rate);
    decision->state_size = sizeof(speech) + (config->smoothing > 1 ? (size_t)config->smoothing * sizeof(int64_t) : 0);
}

/* --- what is given ---------------------------------------------------------------------------------------------------- */

#define LATER (-1.0) /* ticks of an offset that is not known yet */

static void give(const pylstm_decision *decision, pylstm_event_kind kind, int64_t t, double onset, double offset, double score,
                 pylstm_events *events) {
    const segments_config *config = pylstm_decision_config(decision);
    pylstm_event_add(decision, events,
                     (pylstm_event){
                         .kind = kind,
                         .label = config->output,
                         .time = pylstm_row_ticks(decision, t),
                         .onset = onset,
                         .offset = offset < 0 ? PYLSTM_NOT_YET : offset,
                         .score = score,
                     });
}

/* Gives the end that is waiting: gap rows lie between it and the next segment, or so many that it does not matter. */
static void give_end(const pylstm_decision *decision, speech *s, int64_t t, double gap, double latest, pylstm_events *events) {
    const segments_config *config = pylstm_decision_config(decision);
    const double shared = gap < config->two_pads ? gap * decision->hop / 2 : config->pad;
    const double offset = (double)s->ended * decision->hop + shared;
    s->waiting = 0;
    give(decision, PYLSTM_SEGMENT_END, t, s->waiting_onset, offset < latest ? offset : latest, s->waiting_highest, events);
}

/* Nothing can drop the segment any more: gives its start, and before it the end that waited for it. */
static void announce(const pylstm_decision *decision, speech *s, int64_t t, pylstm_events *events) {
    const segments_config *config = pylstm_decision_config(decision);
    const double gap = s->ended == NO_SUCH_ROW ? PYLSTM_NO_LIMIT : (double)(s->start - s->ended);
    double pad = config->pad;
    if (config->is_final && gap < config->two_pads)
        pad = gap * decision->hop / 2;
    if (s->waiting)
        give_end(decision, s, t, gap, PYLSTM_NO_LIMIT, events);
    s->onset = (double)s->start * decision->hop - pad;
    if (s->onset < 0)
        s->onset = 0;
    s->announced = 1;
    give(decision, PYLSTM_SEGMENT_START, t, s->onset, LATER, s->highest, events);
}

/* The segment ends at a row that lies at or before t, and counts. */
static void end_at(const pylstm_decision *decision, speech *s, int64_t row, double highest, int64_t t, pylstm_events *events) {
    const segments_config *config = pylstm_decision_config(decision);
    s->highest = highest;
    if (!s->announced)
        announce(decision, s, t, events);
    s->ended = row;
    s->waiting = 1;
    s->waiting_onset = s->onset;
    s->waiting_highest = highest;
    if (!config->is_final)
        give_end(decision, s, t, PYLSTM_NO_LIMIT, PYLSTM_NO_LIMIT, events);
}

/* A segment begins, or goes on behind a cut. */
static void begin_at(speech *s, int64_t row, double highest) {
    s->speaking = 1;
    s->start = row;
    s->silence = NO_SUCH_ROW;
    s->pause = s->pause_length = s->announced = 0;
    s->highest = highest;
    s->pause_highest = s->since_pause = 0;
}

/* Nobody speaks. */
static void be_over(speech *s) {
    begin_at(s, s->start, 0);
    s->speaking = 0;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

/* What a row says. */
typedef struct row_says {
    double probability;
    int is_speech, is_silence;
} row_says;

static row_says look_at(const segments_config *config, speech *s, int64_t t, double posterior) {
    if (config->smoothing > 1) {
        pylstm_smoothing_take(&s->sum, &ring_of(s)[t % config->smoothing], pylstm_smoothing_units(posterior));
        return (row_says){
            .probability = pylstm_smoothing_average(s->sum, config->smoothing),
            .is_speech = s->sum >= pylstm_smoothing_threshold(config->threshold) * config->smoothing,
            .is_silence = s->sum < pylstm_smoothing_units(config->neg_threshold) * config->smoothing,
        };
    }
    if (posterior != posterior)
        posterior = 0;
    return (row_says){
        .probability = posterior,
        .is_speech = posterior >= config->threshold,
        .is_silence = posterior < config->neg_threshold,
    };
}

/* A silence within the segment is over on row t. */
static void end_silence(const segments_config *config, speech *s, int64_t t) {
    const int64_t length = t - s->silence;
    if ((double)length > config->min_pause && length > s->pause_length) {
        s->pause = s->silence;
        s->pause_length = length;
        s->pause_highest = s->highest; /* the pause itself is lower */
        s->since_pause = 0;
    }
    s->silence = NO_SUCH_ROW;
}

/* The segment has reached its maximum length: it is cut at its longest pause, or here. */
static void cut(const pylstm_decision *decision, speech *s, int64_t t, pylstm_events *events) {
    if (s->pause_length) {
        end_at(decision, s, s->pause, s->pause_highest, t, events);
        begin_at(s, s->pause + s->pause_length, s->since_pause);
    } else {
        end_at(decision, s, t, s->highest, t, events);
        be_over(s);
    }
}

/* Silence on row t. */
static void be_silent(const pylstm_decision *decision, speech *s, int64_t t, pylstm_events *events) {
    const segments_config *config = pylstm_decision_config(decision);
    if (s->silence == NO_SUCH_ROW)
        s->silence = t;
    if ((double)(t - s->silence) < config->min_silence)
        return;
    if ((double)(s->silence - s->start) > config->min_speech)
        end_at(decision, s, s->silence, s->highest, t, events);
    be_over(s);
}

static void follow(const pylstm_decision *decision, speech *s, int64_t t, row_says says, pylstm_events *events) {
    const segments_config *config = pylstm_decision_config(decision);
    if (says.is_speech && s->silence != NO_SUCH_ROW)
        end_silence(config, s, t);
    if (!s->speaking) {
        if (says.is_speech)
            begin_at(s, t, says.probability);
        return;
    }
    if ((double)(t - s->start) > config->max_speech)
        cut(decision, s, t, events); /* a row at which it is cut without a pause belongs to nothing */
    if (!s->speaking)
        return;
    s->highest = says.probability > s->highest ? says.probability : s->highest;
    s->since_pause = says.probability > s->since_pause ? says.probability : s->since_pause;
    if (says.is_silence)
        be_silent(decision, s, t, events);
}

/* Whether to give the start of the segment now. A final one counts however it goes on, though the audio may end at the time of
 * row t; an early one has lasted long enough with this row. */
static int is_due(const segments_config *config, const speech *s, int64_t t) {
    if (!config->is_final)
        return s->silence == NO_SUCH_ROW && (double)(t + 1 - s->start) > config->min_speech;
    return (double)((s->silence != NO_SUCH_ROW ? s->silence : t) - s->start) > config->min_speech;
}

/* Whether nothing can shorten the padding of the end that waits: the next segment is far enough, or begins behind t, and the
 * audio ends at the time of row t at the earliest. */
static int end_is_due(const segments_config *config, const speech *s, int64_t t) {
    const int64_t next = s->speaking ? s->start : t + 1;
    return (double)(next - s->ended) >= config->two_pads && (double)(t - s->ended) >= config->one_pad;
}

static void segments_take(const pylstm_decision *decision, void *state, int64_t t, pylstm_row row, pylstm_events *events) {
    const segments_config *config = pylstm_decision_config(decision);
    speech *s = state;
    follow(decision, s, t, look_at(config, s, t, pylstm_row_value(row, config->output)), events);
    if (s->speaking && !s->announced && is_due(config, s, t))
        announce(decision, s, t, events);
    if (s->waiting && end_is_due(config, s, t))
        give_end(decision, s, t, PYLSTM_NO_LIMIT, PYLSTM_NO_LIMIT, events);
}

static void segments_finish(const pylstm_decision *decision, void *state, int64_t n, double length, pylstm_events *events) {
    const segments_config *config = pylstm_decision_config(decision);
    speech *s = state;
    if (s->speaking && !s->announced && config->is_final &&
        mended(length / decision->hop - (double)s->start) > config->min_speech)
        announce(decision, s, n, events);
    if (s->announced)
        give(decision, PYLSTM_SEGMENT_END, n, s->onset, length > s->onset ? length : s->onset, s->highest, events);
    else if (s->waiting)
        give_end(decision, s, n, PYLSTM_NO_LIMIT, length, events);
    be_over(s);
}

/* A segment has at least one row and gives two events; one end may be waiting, and one segment be going on. */
static uint64_t segments_most_events(const pylstm_decision *decision, uint64_t n) {
    (void)decision;
    return 2 * n + 3;
}

static void segments_begin(const pylstm_decision *decision, void *state) {
    speech *s = state;
    (void)decision;
    s->silence = s->ended = NO_SUCH_ROW;
}

/* --- snapshots -------------------------------------------------------------------------------------------------------- */

static int is_flag(int64_t value) {
    return value == 0 || value == 1;
}

static int is_number(double value) {
    return value == value;
}

static int segments_valid(const pylstm_decision *decision, const void *state, int64_t n) {
    const segments_config *config = pylstm_decision_config(decision);
    const double end = (double)n * decision->hop;
    speech copy;
    const speech *s = memcpy(&copy, state, sizeof copy);
    if (!is_flag(s->speaking) || !is_flag(s->announced) || !is_flag(s->waiting) || (s->announced && !s->speaking))
        return 0;
    if (s->start < 0 || (s->speaking ? s->start >= n : s->start > n) || s->silence < NO_SUCH_ROW || s->silence >= n)
        return 0;
    if (s->silence != NO_SUCH_ROW && (!s->speaking || s->silence < s->start))
        return 0;
    if (s->pause < 0 || s->pause_length < 0 || s->pause > n || s->pause_length > n - s->pause ||
        (s->pause_length && (!s->speaking || s->pause < s->start)))
        return 0;
    if (s->ended < NO_SUCH_ROW || s->ended > n || (s->ended == NO_SUCH_ROW && s->waiting) ||
        (s->speaking && s->ended > s->start) || (s->waiting && !config->is_final))
        return 0;
    if (!(s->onset >= 0 && s->onset <= (s->announced ? (double)s->start * decision->hop : end)))
        return 0;
    if (!(s->waiting_onset >= 0 && s->waiting_onset <= (s->waiting ? (double)s->ended * decision->hop : end)))
        return 0;
    if (!is_number(s->highest) || !is_number(s->pause_highest) || !is_number(s->since_pause) || !is_number(s->waiting_highest))
        return 0;
    return config->smoothing == 1 ? s->sum == 0
                                  : pylstm_smoothing_valid(s->sum, (const char *)state + sizeof copy, config->smoothing, 1, n);
}

const pylstm_decision_kind pylstm_decision_segments = {
    .name = "segments",
    .rules = rules,
    .check = segments_check,
    .lay_out = segments_lay_out,
    .begin = segments_begin,
    .take = segments_take,
    .finish = segments_finish,
    .most_events = segments_most_events,
    .valid = segments_valid,
};
