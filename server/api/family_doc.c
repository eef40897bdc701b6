#include "api/family_doc.h"

#include "api/a1111_doc.h"
#include "api/openai_fields.h"
#include "api/request_hf.h"

static void add_native_fields(struct ltd_json *fields)
{
    for (int i = 0; i < FIELD_ID_COUNT; i++)
        if (!*field_of((enum field_id)i)->parent)
            ltd_json_add(fields, field_of((enum field_id)i)->name, ltd_json_new_string("honoured"));
}

static const struct family_doc native = {"native", "Problem", PROBLEM_TYPE, NULL, add_native_fields};
static const struct family_doc a1111 = {"a1111", "A1111Error", "application/json", a1111_add_schemas,
                                        a1111_add_fields};
static const struct family_doc hugging_face = {"hf", "Problem", PROBLEM_TYPE, request_hf_add_schemas,
                                               request_hf_add_fields};

const struct family_doc *const family_docs[] = {&native, &openai_doc, &a1111, &hugging_face, NULL};
