/* Strict JSON: characters, strings and whole numbers. The contract is in json.h. */
#include "modelfile/json.h"

#include <string.h>

/* The number of bytes of the UTF-8 character that text begins with; 0 where there is none (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF). size > 0. */
static size_t character_size(const char *text, size_t size) {
    const unsigned char *byte = (const unsigned char *)text;
    unsigned char low = 0x80, high = 0xBF; /* what the second byte may be */
    size_t expected;
    if (byte[0] < 0x80)
        return 1;
    if (byte[0] < 0xC2 || byte[0] > 0xF4)
        return 0;
    expected = byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    if (byte[0] == 0xE0)
        low = 0xA0;
    else if (byte[0] == 0xED)
        high = 0x9F;
    else if (byte[0] == 0xF0)
        low = 0x90;
    else if (byte[0] == 0xF4)
        high = 0x8F;
    if (size < expected || byte[1] < low || byte[1] > high)
        return 0;
    for (size_t i = 2; i < expected; i++)
        if (byte[i] < 0x80 || byte[i] > 0xBF)
            return 0;
    return expected;
}

pylstm_status pylstm_json_check_text(const pylstm_json *json) {
    const char *text = json->text;
    int in_string = 0, depth = 0;
    size_t at = 0;
    while (at < json->size) {
        size_t width = character_size(text + at, json->size - at);
        if (width == 0)
            return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                               "[utf-8] byte %zu of the header, 0x%02X, does not begin a UTF-8 character", at,
                               (unsigned)(unsigned char)text[at]);
        if (in_string) {
            if (text[at] == '"')
                in_string = 0;
            else if (text[at] == '\\' && at + 1 < json->size && (text[at + 1] == '"' || text[at + 1] == '\\'))
                width = 2; /* an escaped quote does not end the string */
        } else if (text[at] == '"') {
            in_string = 1;
        } else if (text[at] == '{' || text[at] == '[') {
            if (++depth > PYLSTM_MAX_NESTING)
                return pylstm_fail(
                    json->why, PYLSTM_BAD_MODEL,
                    "[nesting] byte %zu of the header opens bracket number %d inside others; expected at most %d", at, depth,
                    PYLSTM_MAX_NESTING);
        } else if (text[at] == '}' || text[at] == ']') {
            depth--; /* the grammar refuses one that closes nothing */
        }
        at += width;
    }
    return PYLSTM_OK;
}

const char *pylstm_json_show(char shown[PYLSTM_SHOWN], const char *text, size_t size) {
    size_t room = PYLSTM_SHOWN - 4, i;
    for (i = 0; i < size && i < room; i++)
        shown[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    memcpy(shown + i, size > room ? "..." : "\0\0\0", 4);
    return shown;
}

/* What stands at the cursor, for a message. */
static const char *show_next(const pylstm_json *json, char shown[PYLSTM_SHOWN]) {
    size_t left = json->size - json->at;
    if (left == 0)
        return "where it ends";
    return pylstm_json_show(shown, json->text + json->at, left < 16 ? left : 16);
}

char pylstm_json_peek(pylstm_json *json) {
    while (json->at < json->size) {
        char next = json->text[json->at];
        if (next != ' ' && next != '\t' && next != '\n' && next != '\r')
            return next;
        json->at++;
    }
    return '\0';
}

int pylstm_json_take(pylstm_json *json, char expected) {
    if (pylstm_json_peek(json) != expected)
        return 0;
    json->at++;
    return 1;
}

pylstm_status pylstm_json_expect(pylstm_json *json, char expected) {
    char shown[PYLSTM_SHOWN];
    if (pylstm_json_take(json, expected))
        return PYLSTM_OK;
    return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[json] byte %zu of the header is %s; expected %c", json->at,
                       show_next(json, shown), expected);
}

/* Four hexadecimal digits at the cursor: their value, the cursor behind them; or -1. */
static long hexadecimal(pylstm_json *json) {
    long value = 0;
    if (json->size - json->at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char digit = json->text[json->at + (size_t)i];
        if (digit >= '0' && digit <= '9')
            value = value * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f')
            value = value * 16 + (digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F')
            value = value * 16 + (digit - 'A' + 10);
        else
            return -1;
    }
    json->at += 4;
    return value;
}

/* The code point that a \u escape stands for, the cursor behind its u; -1 where it stands for none. */
static long code_point(pylstm_json *json) {
    long point = hexadecimal(json), second;
    if (point < 0xD800 || point > 0xDFFF)
        return point == 0 ? -1 : point; /* a NUL would end the text early for a C program */
    if (point > 0xDBFF || json->size - json->at < 2 || json->text[json->at] != '\\' || json->text[json->at + 1] != 'u')
        return -1;
    json->at += 2;
    second = hexadecimal(json);
    if (second < 0xDC00 || second > 0xDFFF)
        return -1;
    return 0x10000 + (point - 0xD800) * 0x400 + (second - 0xDC00);
}

/* An escape at the cursor, which stands on its backslash, as UTF-8: 1 to 4 bytes; 0 where it is none. */
static size_t escaped(pylstm_json *json, char bytes[4]) {
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *name;
    long point;
    if (json->size - json->at < 2)
        return 0;
    json->at += 2;
    if (json->text[json->at - 1] == 'u') {
        point = code_point(json);
    } else {
        name = memchr(names, json->text[json->at - 1], sizeof names - 1);
        point = name ? meanings[name - names] : -1;
    }
    if (point < 0)
        return 0;
    if (point < 0x80) {
        bytes[0] = (char)point;
        return 1;
    }
    if (point < 0x800) {
        bytes[0] = (char)(0xC0 | point >> 6);
        bytes[1] = (char)(0x80 | (point & 0x3F));
        return 2;
    }
    if (point < 0x10000) {
        bytes[0] = (char)(0xE0 | point >> 12);
        bytes[1] = (char)(0x80 | (point >> 6 & 0x3F));
        bytes[2] = (char)(0x80 | (point & 0x3F));
        return 3;
    }
    bytes[0] = (char)(0xF0 | point >> 18);
    bytes[1] = (char)(0x80 | (point >> 12 & 0x3F));
    bytes[2] = (char)(0x80 | (point >> 6 & 0x3F));
    bytes[3] = (char)(0x80 | (point & 0x3F));
    return 4;
}

pylstm_status pylstm_json_string(pylstm_json *json, char *text, size_t capacity, size_t *length) {
    char shown[PYLSTM_SHOWN], bytes[4];
    size_t n = 0, start;
    if (!pylstm_json_take(json, '"'))
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[json] byte %zu of the header is %s; expected a string", json->at,
                           show_next(json, shown));
    start = json->at;
    while (json->at < json->size) {
        unsigned char next = (unsigned char)json->text[json->at];
        size_t width = 1, here = json->at;
        if (next == '"') {
            json->at++;
            if (capacity > 0)
                text[n < capacity ? n : capacity - 1] = '\0';
            *length = n;
            return PYLSTM_OK;
        }
        if (next < 0x20)
            return pylstm_fail(
                json->why, PYLSTM_BAD_MODEL,
                "[control-character] a string of the header has the byte 0x%02X, at byte %zu; expected its escape",
                (unsigned)next, json->at);
        if (next == '\\') {
            width = escaped(json, bytes);
            if (width == 0)
                return pylstm_fail(
                    json->why, PYLSTM_BAD_MODEL,
                    "[escape] byte %zu of the header begins an escape that stands for no character, or for NUL: %s", here,
                    pylstm_json_show(shown, json->text + here, json->at - here));
        } else {
            bytes[0] = (char)next;
            json->at++;
        }
        for (size_t i = 0; i < width; i++, n++)
            if (n < capacity)
                text[n] = bytes[i];
    }
    return pylstm_fail(json->why, PYLSTM_BAD_MODEL, "[json] the string that begins at byte %zu of the header has no end",
                       start);
}

pylstm_status pylstm_json_integer(pylstm_json *json, uint64_t *value) {
    char first = pylstm_json_peek(json), shown[PYLSTM_SHOWN];
    size_t start = json->at;
    uint64_t sum = 0;
    while (json->at < json->size && json->text[json->at] >= '0' && json->text[json->at] <= '9' && sum <= PYLSTM_MAX_INTEGER)
        sum = sum * 10 + (uint64_t)(json->text[json->at++] - '0');
    if (json->at == start || sum > PYLSTM_MAX_INTEGER || (first == '0' && json->at - start > 1) ||
        (json->at < json->size && memchr(".eE", json->text[json->at], 3))) {
        json->at = start;
        return pylstm_fail(json->why, PYLSTM_BAD_MODEL,
                           "[integer] byte %zu of the header is %s; expected a whole number from 0 to %llu", start,
                           show_next(json, shown), (unsigned long long)PYLSTM_MAX_INTEGER);
    }
    *value = sum;
    return PYLSTM_OK;
}
