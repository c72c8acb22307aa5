#include "platform/formatted_text.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Where the text goes; what does not fit is dropped. */
typedef struct writer {
    char *text;
    size_t capacity, used;
} writer;

static void put(writer *to, const char *bytes, size_t n) {
    const size_t room = to->capacity - 1 - to->used;
    n = n < room ? n : room;
    memcpy(to->text + to->used, bytes, n);
    to->used += n;
}

static void put_character(writer *to, char character) {
    put(to, &character, 1);
}

/* --- whole numbers ---------------------------------------------------------------------------------------------------- */

static void put_digits(writer *to, unsigned long long value, unsigned base, int fewest) {
    char digits[24];
    int at = (int)sizeof digits;
    do {
        digits[--at] = "0123456789ABCDEF"[value % base];
        value /= base;
        fewest--;
    } while (value || fewest > 0);
    put(to, digits + at, sizeof digits - (size_t)at);
}

static void put_signed(writer *to, long long value) {
    if (value < 0)
        put_character(to, '-');
    put_digits(to, value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value, 10, 1);
}

/* --- floating point --------------------------------------------------------------------------------------------------- */

enum { LIMBS = 90, LIMB_DIGITS = 9, MOST_DIGITS = LIMBS * LIMB_DIGITS };

/* A large whole number, nine decimal digits in a limb, the lowest first. */
typedef struct whole_number {
    uint32_t limbs[LIMBS];
    int n;
} whole_number;

static void multiply(whole_number *number, uint32_t factor) {
    uint64_t carry = 0;
    for (int k = 0; k < number->n; k++) {
        carry += (uint64_t)number->limbs[k] * factor;
        number->limbs[k] = (uint32_t)(carry % 1000000000u);
        carry /= 1000000000u;
    }
    if (carry)
        number->limbs[number->n++] = (uint32_t)carry;
}

/* All decimal digits of a finite value above 0, which is their number times 10^(*tens). Exact: a double is a whole number times
 * 2^k, or divided by 2^k, which is times 5^k and divided by 10^k. Returns how many digits there are. */
static int exact_digits(double value, char digits[MOST_DIGITS], int *tens) {
    whole_number number = {.n = 0};
    int exponent, n = 0;
    uint64_t mantissa = (uint64_t)ldexp(frexp(value, &exponent), 53);
    for (exponent -= 53; exponent < 0 && mantissa % 2 == 0; exponent++)
        mantissa /= 2;
    for (; mantissa; mantissa /= 1000000000u)
        number.limbs[number.n++] = (uint32_t)(mantissa % 1000000000u);
    *tens = exponent < 0 ? exponent : 0;
    for (int k = exponent; k > 0; k--)
        multiply(&number, 2);
    for (int k = exponent; k < 0; k++)
        multiply(&number, 5);
    for (int k = number.n - 1; k >= 0; k--) {
        uint32_t place = 100000000u;
        for (int digit = 0; digit < LIMB_DIGITS; digit++, place /= 10) {
            const char next = (char)('0' + number.limbs[k] / place % 10);
            if (n || next != '0')
                digits[n++] = next;
        }
    }
    return n;
}

/* Rounds to `kept` digits, halves to even. Returns 1 where that gave a digit more (999 to 1000), whose zero is left out. */
static int round_digits(char *digits, int n, int kept) {
    int up = digits[kept] > '5' || (digits[kept] == '5' && (digits[kept - 1] - '0') % 2);
    for (int k = kept + 1; digits[kept] == '5' && k < n; k++)
        up |= digits[k] != '0';
    for (int k = kept - 1; up && k >= 0; k--) {
        if (digits[k] != '9') {
            digits[k]++;
            return 0;
        }
        digits[k] = '0';
    }
    if (up)
        digits[0] = '1';
    return up;
}

/* %g: the shorter of 0.001 and 1e-03, without zeros at the end. */
static void put_number(writer *to, double value, int precision) {
    char digits[MOST_DIGITS];
    int n, tens, exponent;
    if (signbit(value))
        put_character(to, '-');
    if (isnan(value) || isinf(value)) {
        put(to, isnan(value) ? "nan" : "inf", 3);
        return;
    }
    if (value == 0.0) {
        put_character(to, '0');
        return;
    }
    n = exact_digits(fabs(value), digits, &tens);
    exponent = n - 1 + tens;
    if (n > precision) {
        exponent += round_digits(digits, n, precision);
        n = precision;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (exponent < -4 || exponent >= precision) {
        put(to, digits, 1);
        if (n > 1)
            put_character(to, '.');
        put(to, digits + 1, (size_t)n - 1);
        put(to, exponent < 0 ? "e-" : "e+", 2);
        put_digits(to, (unsigned)(exponent < 0 ? -exponent : exponent), 10, 2);
        return;
    }
    if (exponent < 0)
        put(to, "0.000", (size_t)(1 - exponent));
    for (int k = 0; k < n || k <= exponent; k++) {
        put_character(to, (char)(k < n ? digits[k] : '0'));
        if (k == exponent && k + 1 < n)
            put_character(to, '.');
    }
}

/* --- the format ------------------------------------------------------------------------------------------------------- */

/* What stands between the per cent sign and the letter. */
typedef struct conversion {
    int width, precision; /* -1: no precision */
    int longs, is_size;
} conversion;

static int take_number(const char **at) {
    int number = 0;
    for (; **at >= '0' && **at <= '9'; ++*at)
        number = number * 10 + (**at - '0');
    return number;
}

static void put_text(writer *to, const char *text, int precision) {
    size_t n = 0;
    while ((precision < 0 || n < (size_t)precision) && text[n])
        n++;
    put(to, text, n);
}

size_t pylstm_format_list(char *text, size_t capacity, const char *format, va_list arguments) {
    writer to = {.text = text, .capacity = capacity};
    for (const char *at = format; *at; at++) {
        conversion how = {.precision = -1};
        if (*at != '%') {
            put_character(&to, *at);
            continue;
        }
        at++;
        how.width = take_number(&at);
        if (*at == '.') {
            at++;
            how.precision = *at == '*' ? va_arg(arguments, int) : take_number(&at);
            at += *at == '*';
        }
        for (; *at == 'l'; at++)
            how.longs++;
        for (; *at == 'z'; at++)
            how.is_size = 1;
        switch (*at) {
        case 'c':
            put_character(&to, (char)va_arg(arguments, int));
            break;
        case 's':
            put_text(&to, va_arg(arguments, const char *), how.precision);
            break;
        case 'd':
            put_signed(&to, how.longs > 1 ? va_arg(arguments, long long)
                            : how.longs   ? va_arg(arguments, long)
                                          : va_arg(arguments, int));
            break;
        case 'u':
            put_digits(&to,
                       how.is_size     ? va_arg(arguments, size_t)
                       : how.longs > 1 ? va_arg(arguments, unsigned long long)
                       : how.longs     ? va_arg(arguments, unsigned long)
                                       : va_arg(arguments, unsigned),
                       10, 1);
            break;
        case 'X':
            put_digits(&to, va_arg(arguments, unsigned), 16, how.width);
            break;
        case 'g':
            put_number(&to, va_arg(arguments, double), how.precision < 0 ? 6 : how.precision);
            break;
        default: /* %%; a test finds conversions that are none of these */
            put_character(&to, '%');
            if (!*at)
                at--;
        }
    }
    text[to.used] = '\0';
    return to.used;
}

size_t pylstm_format(char *text, size_t capacity, const char *format, ...) {
    va_list arguments;
    size_t used;
    va_start(arguments, format);
    used = pylstm_format_list(text, capacity, format, arguments);
    va_end(arguments);
    return used;
}
