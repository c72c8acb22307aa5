/* The checksum of a model file: "crc32:" and eight digits in its metadata, over everything else that the file says.
 *
 * It is of the content, not of the bytes: a program that writes the same entries and tensors in another order, or with other
 * white space or escapes, keeps it right. So the spellings of one content that lie a bit apart are refused beside a checksum,
 * and no flipped bit of a file that carries one goes unnoticed. docs/model-file.md says what is summed.
 */
#ifndef PYLSTM_MODELFILE_CHECKSUM_H
#define PYLSTM_MODELFILE_CHECKSUM_H

#include "modelfile/safetensors.h"

#define PYLSTM_CHECKSUM_KEY  "pylstm.checksum"
#define PYLSTM_CHECKSUM_SIZE sizeof "crc32:01234567"

/* What the checksum of a sound container has to be. */
void pylstm_checksum_of(const pylstm_safetensors *file, char checksum[PYLSTM_CHECKSUM_SIZE]);

/* Whether the checksum at an index of the metadata is that one. */
pylstm_status pylstm_checksum_check(const pylstm_safetensors *file, int index, pylstm_error *why);

#endif
