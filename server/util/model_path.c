#include "util/model_path.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const char *const candidates[] = {"./models/default", LATENTD_SOURCE_MODEL, LATENTD_INSTALLED_MODEL};

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

/* The last component, slashes and .safetensors or .gguf at the end left off. */
void model_path_name(const char *path, char name[MODEL_NAME_SIZE])
{
    static const char *const endings[] = {".safetensors", ".gguf"};
    size_t end = strlen(path), begin, length = 0;

    while (end > 0 && path[end - 1] == '/')
        end--;
    begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t size = strlen(endings[i]);

        if (end - begin > size && strncasecmp(path + end - size, endings[i], size) == 0) {
            end -= size;
            break;
        }
    }
    for (; begin < end && length < MODEL_NAME_SIZE - 1; begin++)
        name[length++] = is_name_byte(path[begin]) ? path[begin] : '-';
    if (length == 0)
        name[length++] = '-';
    name[length] = '\0';
}

const char *model_entry_split(const char *entry, char name[MODEL_NAME_SIZE], const char **path)
{
    size_t length = 0;

    while (is_name_byte(entry[length]))
        length++;
    if (entry[length] == '=' && length == 0)
        return "the name before '=' is empty";
    if (entry[length] == '=' && length >= MODEL_NAME_SIZE)
        return "a name has at most 64 letters";
    if (entry[entry[length] == '=' ? length + 1 : 0] == '\0')
        return "the path is empty";
    if (entry[length] == '=') {
        memcpy(name, entry, length);
        name[length] = '\0';
        *path = entry + length + 1;
    } else {
        model_path_name(entry, name);
        *path = entry;
    }
    return NULL;
}

const char *model_path_candidate(size_t index)
{
    return index < sizeof candidates / sizeof candidates[0] ? candidates[index] : NULL;
}

const char *model_path_default(void)
{
    const char *candidate;

    for (size_t i = 0; (candidate = model_path_candidate(i)); i++) {
        char index[4096];
        const int length = snprintf(index, sizeof index, "%s/model_index.json", candidate);

        if (length > 0 && (size_t)length < sizeof index && access(index, R_OK) == 0)
            return candidate;
    }
    return NULL;
}
