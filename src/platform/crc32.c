/* CRC-32 by tables, several bytes at a time: tables[k][b] is what byte b does to the remainder k bytes later. (M. Kounavis and
 * F. Berry, Novel Table Lookup-Based Algorithms for High-Performance CRC Generation, IEEE Transactions on Computers 57, 2008.)
 */
#include "platform/crc32.h"

#define POLYNOMIAL UINT32_C(0xEDB88320) /* of IEEE 802.3, the lowest bit first */

void pylstm_crc32_begin(pylstm_crc32 *crc) {
    crc->value = 0;
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t remainder = byte;
        for (int bit = 0; bit < 8; bit++)
            remainder = remainder >> 1 ^ (POLYNOMIAL & (0 - (remainder & 1)));
        crc->tables[0][byte] = remainder;
    }
    for (int k = 1; k < PYLSTM_CRC32_STEP; k++)
        for (int byte = 0; byte < 256; byte++) {
            const uint32_t before = crc->tables[k - 1][byte];
            crc->tables[k][byte] = before >> 8 ^ crc->tables[0][before & 0xFF];
        }
}

static uint32_t word(const unsigned char *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

void pylstm_crc32_add(pylstm_crc32 *crc, const void *bytes, size_t size) {
    const uint32_t (*tables)[256] = (const uint32_t (*)[256])crc->tables;
    const unsigned char *next = bytes;
    uint32_t value = ~crc->value;
    for (; size >= PYLSTM_CRC32_STEP; size -= PYLSTM_CRC32_STEP, next += PYLSTM_CRC32_STEP) {
        const uint32_t low = value ^ word(next), high = word(next + 4);
        value = tables[7][low & 0xFF] ^ tables[6][low >> 8 & 0xFF] ^ tables[5][low >> 16 & 0xFF] ^ tables[4][low >> 24] ^
                tables[3][high & 0xFF] ^ tables[2][high >> 8 & 0xFF] ^ tables[1][high >> 16 & 0xFF] ^ tables[0][high >> 24];
    }
    for (; size > 0; size--)
        value = value >> 8 ^ tables[0][(value ^ *next++) & 0xFF];
    crc->value = ~value;
}
