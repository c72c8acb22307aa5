/* The decision "symbols": greedy decoding of CTC (Graves et al. 2006). The best output of each row, repeats collapsed, blanks
 * left out.
 */
#include "decisions/decisions.h"
#include "decisions/report.h"

enum { BLANK, REPORT };

static const pylstm_setting_rule rules[] = {
    [BLANK] = {"blank", PYLSTM_SETTING_OUTPUT, 0, 0, 0, NULL},
    [REPORT] = {"report", PYLSTM_SETTING_CHOICE, 0, 0, PYLSTM_REPORT_EARLY, pylstm_reports},
    {.key = NULL},
};

typedef struct symbols_config {
    int blank, is_final;
} symbols_config;
PYLSTM_CHECK_DECISION_CONFIG(symbols_config);

/* A run of rows with the same best output. */
typedef struct run {
    int64_t output;
    int64_t first; /* row */
    double highest;
} run;

static pylstm_status symbols_check(const pylstm_decision *decision, const pylstm_settings *settings, pylstm_error *why) {
    pylstm_setting_found found;
    if (decision->outputs.n > 1 || !pylstm_setting_find(settings, "kind", &found))
        return PYLSTM_OK;
    return pylstm_setting_fail(&found, "kind", "another one: there is one output, and the blank needs one of its own", why);
}

static void symbols_lay_out(pylstm_decision *decision, const pylstm_settings *settings, pylstm_arena *arena) {
    symbols_config *config = (void *)decision->config;
    (void)settings, (void)arena;
    *config = (symbols_config){
        .blank = (int)decision->values[BLANK],
        .is_final = decision->values[REPORT] == PYLSTM_REPORT_FINAL,
    };
    decision->state_size = sizeof(run);
}

/* Before the first row it is as if a blank had been there. */
static void symbols_begin(const pylstm_decision *decision, void *state) {
    const symbols_config *config = pylstm_decision_config(decision);
    ((run *)state)->output = config->blank;
}

/* Gives a symbol that is known up to the row before `end`, on row t. */
static void give(const pylstm_decision *decision, const run *r, int64_t t, int64_t end, pylstm_events *events) {
    pylstm_event_add(decision, events,
                     (pylstm_event){
                         .kind = PYLSTM_SYMBOL,
                         .label = (int)r->output,
                         .time = pylstm_row_ticks(decision, t),
                         .onset = pylstm_row_ticks(decision, r->first),
                         .offset = pylstm_row_ticks(decision, end),
                         .score = r->highest,
                     });
}

static void symbols_take(const pylstm_decision *decision, void *state, int64_t t, pylstm_row row, pylstm_events *events) {
    const symbols_config *config = pylstm_decision_config(decision);
    run *r = state;
    int best = 0;
    double highest = pylstm_row_value(row, 0);
    for (int k = 1; k < decision->outputs.n; k++) {
        const double value = pylstm_row_value(row, k);
        if (value > highest || highest != highest) {
            best = k;
            highest = value;
        }
    }
    if (highest != highest)
        highest = 0;
    if (best == r->output) {
        r->highest = highest > r->highest ? highest : r->highest;
        return;
    }
    if (config->is_final && r->output != config->blank)
        give(decision, r, t, t, events);
    *r = (run){.output = best, .first = t, .highest = highest};
    if (!config->is_final && best != config->blank)
        give(decision, r, t, t + 1, events);
}

static void symbols_finish(const pylstm_decision *decision, void *state, int64_t n, double length, pylstm_events *events) {
    const symbols_config *config = pylstm_decision_config(decision);
    const run *r = state;
    (void)length;
    if (config->is_final && r->output != config->blank)
        give(decision, r, n, n, events);
}

static uint64_t symbols_most_events(const pylstm_decision *decision, uint64_t n) {
    (void)decision;
    return n + 1;
}

static int symbols_valid(const pylstm_decision *decision, const void *state, int64_t n) {
    const symbols_config *config = pylstm_decision_config(decision);
    run copy;
    const run *r = memcpy(&copy, state, sizeof copy);
    if (r->highest != r->highest) /* infinite it may be: sums of layers can leave float32 */
        return 0;
    if (n == 0)
        return r->output == config->blank && r->first == 0 && r->highest == 0;
    return r->output >= 0 && r->output < decision->outputs.n && r->first >= 0 && r->first < n;
}

const pylstm_decision_kind pylstm_decision_symbols = {
    .name = "symbols",
    .rules = rules,
    .check = symbols_check,
    .lay_out = symbols_lay_out,
    .begin = symbols_begin,
    .take = symbols_take,
    .finish = symbols_finish,
    .most_events = symbols_most_events,
    .valid = symbols_valid,
};
