#include "http/http_form.h"

#include <stdio.h>
#include <stdlib.h>

#include "check.h"

static struct http_form form;
static struct http_refusal why;

/* Parses a copy that ends where the body does, so that a sanitizer sees whoever reads on. */
static bool parse_bytes(const char *type, const char *body, size_t size)
{
    static char *copy;
    struct http_request request = {.headers = {{"Content-Type", type}}, .header_count = 1, .body_size = size};

    free(copy);
    copy = malloc(size ? size : 1);
    if (!copy)
        return false;
    memcpy(copy, body, size);
    request.body = size ? copy : NULL;
    return http_form_parse(&request, &form, &why);
}

static bool parse(const char *body)
{
    return parse_bytes("multipart/form-data; boundary=QQ", body, strlen(body));
}

/* Whether body is refused with a 400 that speaks of `part`. */
static bool refused(const char *body, const char *part)
{
    const bool taken = parse(body);

    if (taken)
        http_form_fini(&form);
    return !taken && why.status == 400 && strstr(why.detail, part) != NULL;
}

#define HEAD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n"

TEST(parts_come_with_name_filename_type_and_bytes)
{
    const struct http_form_part *part;

    REQUIRE(parse("--QQ\r\n" HEAD(
        "prompt") "\r\na cat\r\n"
                  "--QQ\r\nContent-disposition: form-data; filename=\"a \\\"b\\\" \\c.png\"; name=image\r\n"
                  "Content-Type: image/png\r\nX-Other: y\r\n\r\n\r\n--X\r\n--QQQ\r\n\r\n"
                  "--QQ \t\r\n" HEAD("empty") "\r\n\r\n--QQ--\r\nepilogue"));
    CHECK_INT(form.count, 3);
    part = http_form_find(&form, "prompt");
    REQUIRE(part);
    CHECK(part->size == 5 && memcmp(part->data, "a cat", 5) == 0);
    CHECK(!part->filename && !part->type);
    part = http_form_find(&form, "image");
    REQUIRE(part);
    CHECK_STR(part->filename, "a \"b\" \\c.png");
    CHECK_STR(part->type, "image/png");
    CHECK(part->size == 14 && memcmp(part->data, "\r\n--X\r\n--QQQ\r\n", 14) == 0);
    part = http_form_find(&form, "empty");
    REQUIRE(part);
    CHECK_INT(part->size, 0);
    CHECK(!http_form_find(&form, "Prompt"));
    http_form_fini(&form);
}

TEST(bytes_of_any_kind_are_data)
{
    static const char body[] = "--QQ\r\n" HEAD("a") "\r\n\0\xff\r\n\n--QQ--\r\n--QQ--";

    REQUIRE(parse_bytes("multipart/form-data; boundary=QQ", body, sizeof body - 1));
    CHECK_INT(form.count, 1);
    CHECK_INT(form.parts[0].size, 11);
    http_form_fini(&form);
}

TEST(a_part_without_a_byte_and_a_form_without_a_part_are_fine)
{
    REQUIRE(parse("--QQ\r\n" HEAD("a") "\r\n\r\n--QQ--"));
    CHECK_INT(form.parts[0].size, 0);
    http_form_fini(&form);
    REQUIRE(parse("--QQ--"));
    CHECK_INT(form.count, 0);
    http_form_fini(&form);
    REQUIRE(parse("\r\n--QQ\r\n" HEAD("a") "\r\nb\r\n--QQ--"));
    CHECK_INT(form.count, 1);
    http_form_fini(&form);
}

TEST(a_boundary_may_stand_in_quotes_and_have_up_to_70_characters)
{
    static const char ok[] = "--X (y)\r\n" HEAD("a") "\r\nb\r\n--X (y)--\r\n";
    static const char *const wrong[] = {
        "multipart/form-data",
        "multipart/form-data; charset=utf-8",
        "multipart/form-data; boundary",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"X",
        "multipart/form-data; boundary=\"X \"",
        "multipart/form-data; boundary=a;b",
        "multipart/form-data; boundary=\"X\r\n\"",
        "multipart/form-data; boundary=\"X{\"",
        "multipart/form-data; boundary=123456789012345678901234567890123456789012345678901234567890123456789012",
    };

    REQUIRE(parse_bytes("Multipart/Form-Data; charset=\"a;b\"; BOUNDARY=\"X (y)\"", ok, sizeof ok - 1));
    CHECK_INT(form.count, 1);
    http_form_fini(&form);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        CHECK(!parse_bytes(wrong[i], ok, sizeof ok - 1));
        CHECK_INT(why.status, 400);
    }
}

TEST(half_bodies_and_lying_boundaries_are_refused)
{
    static const char whole[] = "--QQ\r\n" HEAD("a") "Content-Type: b\r\n\r\nc\r\n--QQ--";

    for (size_t size = 0; size < sizeof whole - 1; size++) {
        CHECK(!parse_bytes("multipart/form-data; boundary=QQ", whole, size));
        CHECK_INT(why.status, 400);
    }
    CHECK(refused("--YY\r\n" HEAD("a") "\r\nb\r\n--YY--", "does not begin"));
    CHECK(refused("before\r\n--QQ\r\n" HEAD("a") "\r\nb\r\n--QQ--", "does not begin"));
    CHECK(refused("--QQ\r\n" HEAD("a") "\r\nb\r\n--QQ", "closing"));
    CHECK(refused("--QQ\r\n" HEAD("a") "\r\nb\n--QQ--", "closing"));
    CHECK(refused("--QQ\n" HEAD("a") "\r\nb\r\n--QQ--", "does not begin"));
    CHECK(refused("--QQ\r\nContent-Disposition: form-data; name=a\n\nb", "head of a part"));
}

TEST(heads_that_say_nothing_or_too_much_are_refused)
{
    CHECK(refused("--QQ\r\n\r\nb\r\n--QQ--", "no Content-Disposition"));
    CHECK(refused("--QQ\r\nContent-Type: a\r\n\r\nb\r\n--QQ--", "no Content-Disposition"));
    CHECK(refused("--QQ\r\nContent-Disposition: form-data\r\n\r\nb\r\n--QQ--", "no name"));
    CHECK(refused("--QQ\r\nContent-Disposition: form-data; name=\"a\r\n\r\nb\r\n--QQ--", "no name"));
    CHECK(refused("--QQ\r\nContent-Disposition: form-data; name=\"a\tb\"\r\n\r\nb\r\n--QQ--", "no name"));
    CHECK(refused("--QQ\r\nContent-Disposition: attachment; name=a\r\n\r\nb\r\n--QQ--", "form-data"));
    CHECK(refused("--QQ\r\n" HEAD("a") HEAD("b") "\r\nb\r\n--QQ--", "one Content-Disposition"));
    CHECK(refused("--QQ\r\n" HEAD("a") "Content-Type: x\r\nContent-Type: x\r\n\r\nb\r\n--QQ--",
                  "Content-Type"));
    CHECK(refused("--QQ\r\n" HEAD("a") "Content-Transfer-Encoding: base64\r\n\r\nb\r\n--QQ--", "Transfer"));
    CHECK(refused("--QQ\r\n" HEAD("a") "plain\r\n\r\nb\r\n--QQ--", "no header"));
    CHECK(refused("--QQ\r\n" HEAD("a") " folded: x\r\n\r\nb\r\n--QQ--", "no header"));
    CHECK(refused("--QQ\r\n" HEAD("a") ": x\r\n\r\nb\r\n--QQ--", "no header"));
    REQUIRE(parse("--QQ\r\n" HEAD("a") "Content-Transfer-Encoding: binary\r\n\r\nb\r\n--QQ--"));
    http_form_fini(&form);
}

TEST(parts_and_their_texts_are_bounded)
{
    static char body[64 * 1024];
    size_t used = 0;

    for (int i = 0; i <= HTTP_FORM_MAX_PARTS; i++) {
        snprintf(body + used, sizeof body - used, "--QQ--");
        CHECK(parse(body));
        CHECK_INT(form.count, i);
        http_form_fini(&form);
        used += (size_t)snprintf(body + used, sizeof body - used, "--QQ\r\n" HEAD("a") "\r\nb\r\n");
    }
    snprintf(body + used, sizeof body - used, "--QQ--");
    CHECK(refused(body, "64 parts"));
    snprintf(body, sizeof body, "--QQ\r\nContent-Disposition: form-data; name=\"%0*d\"\r\n\r\nb\r\n--QQ--",
             HTTP_FORM_MAX_TEXTS, 0);
    CHECK(refused(body, "too long"));
    snprintf(body, sizeof body, "--QQ\r\n" HEAD("a") "Content-Type: %0*d\r\n\r\nb\r\n--QQ--",
             HTTP_FORM_MAX_TEXTS, 0);
    CHECK(refused(body, "too long"));
}

TEST(no_changed_byte_is_read_past_the_end)
{
    static const char whole[] = "--QQ\r\n" HEAD("a") "Content-Type: b\r\n\r\nc\r\n--QQ--";
    static const char odd[] = "\r\n-;\"=\\ X\0";
    char body[sizeof whole];

    for (size_t at = 0; at < sizeof whole - 1; at++)
        for (size_t i = 0; i < sizeof odd; i++) {
            memcpy(body, whole, sizeof whole);
            body[at] = odd[i];
            if (parse_bytes("multipart/form-data; boundary=QQ", body, sizeof whole - 1))
                http_form_fini(&form);
        }
}
