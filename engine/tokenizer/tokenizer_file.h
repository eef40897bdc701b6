/*
 * tokenizer_file.h - the JSON files of a tokenizer's folder.
 */
#ifndef TOKENIZER_FILE_H
#define TOKENIZER_FILE_H

#include <latentd/error.h>
#include <latentd/json.h>

enum { TOKENIZER_MAX_FILE = 64 << 20 }; /* bytes, for each file */

/* What is wrong with the text or too big is LTD_EFORMAT here, and every message names the file.  Errors:
 * LTD_ENOTFOUND, LTD_EFORMAT, LTD_EIO, LTD_ENOMEM. */
LTD_MUST_USE enum ltd_status tokenizer_json_read(const char *path, struct ltd_json **out,
                                                 struct ltd_error *err);

/* "dir/name", malloc'd; NULL without memory. */
char *tokenizer_path(const char *dir, const char *name);

#endif
