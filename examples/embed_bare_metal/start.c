/* From reset to main: the vector table, the FPU, memory, and the heap that strtod of newlib takes its numbers from. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "host.h"

extern char data_image[], data_begin[], data_end[], bss_begin[], bss_end[], heap_begin[], stack_top[];
int main(void);

char *heap_end = heap_begin;

void reset(void) {
    volatile uint32_t *const coprocessors = (volatile uint32_t *)0xe000ed88; /* CPACR */
    *coprocessors |= 0xfu << 20;                                             /* the FPU, for everyone */
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    memcpy(data_begin, data_image, (size_t)(data_end - data_begin));
    memset(bss_begin, 0, (size_t)(bss_end - bss_begin));
    host_exit(main());
}

static void fault(void) {
    host_print("fault\n");
    host_exit(2);
}

__attribute__((section(".vectors"), used)) static const void *const vectors[] = {
    stack_top, reset, fault, fault, fault, fault, fault,
};

/* Where newlib's assertions end (strtod has one, for a heap that is full); the one that it brings prints by way of stdio. */
void __assert_func(const char *file, int line, const char *function, const char *what) {
    (void)file, (void)line, (void)function;
    host_print(what);
    host_exit(3);
}

/* What newlib's malloc asks for memory. */
void *_sbrk(ptrdiff_t n) {
    char *const begin = heap_end, *here = (char *)&here;
    if (n > here - heap_end) {
        errno = ENOMEM;
        return (void *)-1;
    }
    heap_end += n;
    return begin;
}
