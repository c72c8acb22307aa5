/* A model in flash listens to a recording in flash: prints what it hears, and gives the posteriors to the host.
 *
 * Nothing here is allocated: the model and its stream lie in static memory, of which the exported header says the size.
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

static _Alignas(PYLSTM_ALIGNMENT) unsigned char memory[MODEL_STREAM_SIZE];
static float rows[8 * MODEL_N_OUTPUTS];
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

/* Prints the label that is the likeliest, when it is another one than before. */
static void hear(const pylstm_model *model, const float *row, unsigned frame) {
    static int before = -1;
    int best = 0;
    for (int k = 1; k < MODEL_N_OUTPUTS; k++)
        best = row[k] > row[best] ? k : best;
    if (best == before || !pylstm_model_label(model, best))
        return;
    before = best;
    host_print_number(frame * MODEL_HOP_LENGTH / (MODEL_SAMPLE_RATE / 1000));
    host_print(" ms  ");
    host_print(pylstm_model_label(model, best));
    host_print("\n");
}

static pylstm_status listen(const pylstm_model *model, int file) {
    pylstm_stream *stream;
    size_t written;
    unsigned frame = 0;
    pylstm_status status = pylstm_stream_init(memory, sizeof memory, model, &stream);
    for (const unsigned char *at = recording + 44; !status && at < recording_end; at += 2 * CHUNK) {
        const size_t left = (size_t)(recording_end - at) / 2;
        status = pylstm_stream_push(stream, PYLSTM_INT16, at, left < CHUNK ? left : CHUNK, 2, rows, 8, &written);
        for (size_t t = 0; !status && t < written; t++)
            hear(model, rows + t * MODEL_N_OUTPUTS, frame++);
        if (!status)
            host_write(file, rows, written * MODEL_N_OUTPUTS * sizeof *rows);
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
    status = listen(model, host_create("rows.f32", 8));
    if (status) {
        host_print(pylstm_strerror(status));
        host_print("\n");
    }
    tell("stack to push: ", stack_used());
    tell("heap: ", (unsigned)(heap_end - heap_begin));
    return status != PYLSTM_OK;
}
