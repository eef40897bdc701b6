/*
 * model_path.h - which model folder is meant.
 */
#ifndef MODEL_PATH_H
#define MODEL_PATH_H

#include <stdbool.h>
#include <stddef.h>

enum { MODEL_NAME_SIZE = 65 }; /* bytes of a model's name with its end */

/* Splits an entry [NAME=]PATH of --model.  What stands before the first '=' is a name when it is made
 * of 1..64 letters, digits, '.', '_' and '-'; else the whole entry is the path, and its name is the last
 * folder of the path with every other byte written as '-'.  *path points into entry.  NULL when it is well
 * formed, else what is wrong (static storage). */
const char *model_entry_split(const char *entry, char name[MODEL_NAME_SIZE], const char **path);

/* The name of a model at this path: as above. */
void model_path_name(const char *path, char name[MODEL_NAME_SIZE]);

/* The places where the default model is looked for, in order: below the working directory, in the source tree
 * this program was built from, and where it was installed.  NULL past the last; static storage. */
const char *model_path_candidate(size_t index);

/* The first candidate with a model_index.json in it, or NULL. */
const char *model_path_default(void);

#endif
