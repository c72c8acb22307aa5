/* A model in flash listens to a recording in flash: prints what it hears, and gives the posteriors to the host.
 *
 * Nothing here is allocated: the model, its decision and a listener lie in static memory. The exported header says how much a
 * stream takes; a listener has one, and what its decision remembers.
 */
#include "host.h"
#include "model.h"

#include <stdint.h>

#define CHUNK 160 /* samples, as a microphone's buffer would hold */

/* demo.wav: 44 bytes, then samples of 16 bits. A product takes them from its microphone. */
__asm__(".section .rodata\n"
        ".balign 4\n"
        "recording: .incbin \"" RECORDING "\"\n"
        "recording_end:\n"
        ".previous\n");
extern const unsigned char recording[], recording_end[];

#define EVENTS 16 /* more than a chunk can give */

static _Alignas(PYLSTM_ALIGNMENT) unsigned char memory[MODEL_STREAM_SIZE + 16384];
static float rows[8 * MODEL_N_OUTPUTS];
static pylstm_event events[EVENTS];
extern char *heap_end, heap_begin[], stack_top[];

/* The stack is filled before and looked at after, down to the first word that is as it was. */
#define FILLED 0x5a5aa5a5u
static uint32_t *stack_bottom;

static void fill_stack(void) {
    char *here;
    __asm__ volatile("mov %0, sp" : "=r"(here));
    stack_bottom = (uint32_t *)(here - 60000);
    for (uint32_t *word = stack_bottom; word < (uint32_t *)(here - 64); word++)
        *(volatile uint32_t *)word = FILLED;
}

static unsigned stack_used(void) {
    const uint32_t *word = stack_bottom;
    while (*word == FILLED)
        word++;
    return (unsigned)(stack_top - (const char *)word);
}

static void tell(const char *what, unsigned value) {
    host_print(what);
    host_print_number(value);
    host_print("\n");
}

/* The decision of the model's file and a listener, one behind the other in the static memory. */
static pylstm_status make_listener(const pylstm_model *model, pylstm_listener **listener, pylstm_error *why) {
    pylstm_decision *decision;
    size_t used;
    pylstm_status status = pylstm_decision_size(model, NULL, 0, &used, why);
    if (!status)
        status = pylstm_decision_init(memory, sizeof memory, model, NULL, 0, &decision, why);
    if (!status)
        status = pylstm_listener_init(memory + used, sizeof memory - used, decision, listener);
    if (!status)
        tell("decision and listener: ", (unsigned)(used + pylstm_listener_size(decision)));
    return status;
}

static void show(const pylstm_model *model, const pylstm_event *event) {
    host_print_number((unsigned)(1000 * event->time + 0.5));
    host_print(" ms  ");
    host_print(pylstm_model_label(model, event->label));
    host_print("  ");
    host_print_number((unsigned)(1000000 * event->score + 0.5));
    host_print(" millionths, from ");
    host_print_number((unsigned)(1000 * event->onset + 0.5));
    host_print(" ms\n");
}

static pylstm_status listen(const pylstm_model *model, int file, pylstm_error *why) {
    pylstm_hearing part = {
        .type = PYLSTM_INT16, .stride = 2, .events = events, .max_events = EVENTS, .out = rows, .out_rows = 8};
    pylstm_status status = make_listener(model, &part.listener, why);
    for (const unsigned char *at = recording + 44; !status && at < recording_end; at += 2 * CHUNK) {
        const size_t left = (size_t)(recording_end - at) / 2;
        part.data = at;
        part.n = left < CHUNK ? left : CHUNK;
        status = pylstm_listener_push(&part);
        for (size_t k = 0; k < part.n_events; k++)
            show(model, &events[k]);
        host_write(file, rows, part.rows * MODEL_N_OUTPUTS * sizeof *rows);
    }
    return status;
}

int main(void) {
    pylstm_error why;
    const pylstm_model *model;
    pylstm_status status;
    fill_stack();
    model = model_model(&why);
    if (!model) {
        host_print(why.message);
        host_print("\n");
        return 1;
    }
    tell("stack to make the model: ", stack_used());
    fill_stack();
    status = listen(model, host_create("rows.f32", 8), &why);
    if (status) {
        host_print(*why.message ? why.message : pylstm_strerror(status));
        host_print("\n");
    }
    tell("stack to push: ", stack_used());
    tell("heap: ", (unsigned)(heap_end - heap_begin));
    return status != PYLSTM_OK;
}
