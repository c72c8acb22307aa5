/* CRC-32 of bytes that come in parts: the polynomial of zlib, so that zlib.crc32 of Python gives the same number.
 *
 * Every error within 32 neighbouring bits changes it, hence every flipped bit and every damaged byte.
 */
#ifndef PYLSTM_PLATFORM_CRC32_H
#define PYLSTM_PLATFORM_CRC32_H

#include <stddef.h>
#include <stdint.h>

#define PYLSTM_CRC32_STEP 8 /* bytes at a time */

/* 8 KB, most of it tables that begin makes: the caller's stack is fine. */
typedef struct pylstm_crc32 {
    uint32_t value; /* of all bytes so far */
    uint32_t tables[PYLSTM_CRC32_STEP][256];
} pylstm_crc32;

void pylstm_crc32_begin(pylstm_crc32 *crc);
void pylstm_crc32_add(pylstm_crc32 *crc, const void *bytes, size_t size);

#endif
