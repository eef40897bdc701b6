#include "base/json_scan.h"

#include <string.h>

void json_scanner_init(struct json_scanner *scanner, const char *text, size_t size,
                       const struct ltd_json_limits *limits)
{
    scanner->text = (const uint8_t *)text;
    scanner->size = size;
    scanner->at = 0;
    scanner->max_depth = limits->max_depth < JSON_SCAN_MAX_DEPTH ? limits->max_depth : JSON_SCAN_MAX_DEPTH;
    scanner->max_nodes = limits->max_nodes;
    scanner->infinities = limits->infinities;
    scanner->depth = 0;
    scanner->nodes = 0;
    scanner->state = JSON_AT_VALUE;
}

size_t json_utf8_length(const uint8_t *s, size_t n)
{
    uint8_t low = 0x80, high = 0xBF; /* the range of the second byte */
    size_t length;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xC2 || s[0] > 0xF4)
        return 0;
    length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
    if (s[0] == 0xE0)
        low = 0xA0;
    else if (s[0] == 0xED)
        high = 0x9F;
    else if (s[0] == 0xF0)
        low = 0x90;
    else if (s[0] == 0xF4)
        high = 0x8F;
    if (n < length || s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++)
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    return length;
}

static enum ltd_status syntax_error(const struct json_scanner *scanner, size_t offset, struct ltd_error *err,
                                    const char *what)
{
    if (offset >= scanner->size)
        return ltd_fail(err, LTD_ESYNTAX, "JSON: the text ends at byte %zu, where %s", scanner->size, what);
    return ltd_fail(err, LTD_ESYNTAX, "JSON: byte %zu: %s", offset, what);
}

/* The byte at the scanner, or -1 at the end. */
static int peek(const struct json_scanner *scanner)
{
    return scanner->at < scanner->size ? scanner->text[scanner->at] : -1;
}

static void skip_space(struct json_scanner *scanner)
{
    int c;

    while (c = peek(scanner), c == ' ' || c == '\n' || c == '\r' || c == '\t')
        scanner->at++;
}

/* Four hexadecimal digits at text[at], or -1. */
static int hex4(const uint8_t *text, size_t size, size_t at)
{
    int code = 0;

    if (at > size || size - at < 4)
        return -1;
    for (size_t i = at; i < at + 4; i++) {
        const int c = text[i], letter = c | 0x20;

        if (c >= '0' && c <= '9')
            code = code * 16 + (c - '0');
        else if (letter >= 'a' && letter <= 'f')
            code = code * 16 + (letter - 'a' + 10);
        else
            return -1;
    }
    return code;
}

/* The code point of the \u escape at text[at] (the backslash), with *length set to 6, or 12 for a surrogate
 * pair; -1 for bad digits, -2 for a lone surrogate. */
static long unicode_escape(const uint8_t *text, size_t size, size_t at, size_t *length)
{
    const int code = hex4(text, size, at + 2);
    int second;

    *length = 6;
    if (code < 0xD800 || code > 0xDFFF)
        return code;
    if (code > 0xDBFF || at + 7 >= size || text[at + 6] != '\\' || text[at + 7] != 'u')
        return -2;
    second = hex4(text, size, at + 8);
    if (second < 0xDC00 || second > 0xDFFF)
        return -2;
    *length = 12;
    return 0x10000 + ((long)(code - 0xD800) << 10) + (second - 0xDC00);
}

static size_t utf8_size(long code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

static char *utf8_put(char *out, long code)
{
    const size_t length = utf8_size(code);

    if (length == 1) {
        *out = (char)code;
        return out + 1;
    }
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)((0xF00 >> length & 0xFF) | code);
    return out + length;
}

/* What a two-byte escape stands for, or 0. */
static char short_escape(uint8_t c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return (char)c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return 0;
    }
}

/* Passes the escape at the scanner and adds its unescaped size to token. */
static enum ltd_status scan_escape(struct json_scanner *scanner, struct json_token *token,
                                   struct ltd_error *err)
{
    const size_t at = scanner->at;
    size_t length = 2, unescaped = 1;

    if (at + 1 >= scanner->size)
        return syntax_error(scanner, at + 1, err, "an escape is not complete");
    if (scanner->text[at + 1] == 'u') {
        const long code = unicode_escape(scanner->text, scanner->size, at, &length);

        if (code == -2)
            return syntax_error(scanner, at, err, "a surrogate without its other half");
        if (code < 0)
            return syntax_error(scanner, at, err, "\\u wants four hexadecimal digits");
        if (code == 0)
            return syntax_error(scanner, at, err, "\\u0000 is not accepted");
        unescaped = utf8_size(code);
    } else if (!short_escape(scanner->text[at + 1])) {
        return syntax_error(scanner, at, err, "there is no such escape");
    }
    scanner->at += length;
    token->unescaped += unescaped;
    return LTD_OK;
}

static enum ltd_status scan_string(struct json_scanner *scanner, struct json_token *token,
                                   struct ltd_error *err)
{
    const size_t begin = ++scanner->at;
    int c;

    token->unescaped = 0;
    while (c = peek(scanner), c != '"') {
        size_t length;

        if (c < 0)
            return syntax_error(scanner, scanner->at, err, "a string is still open");
        if (c < 0x20)
            return syntax_error(scanner, scanner->at, err, "a control character in a string wants an escape");
        if (c == '\\') {
            const enum ltd_status status = scan_escape(scanner, token, err);

            if (status != LTD_OK)
                return status;
            continue;
        }
        length = json_utf8_length(scanner->text + scanner->at, scanner->size - scanner->at);
        if (length == 0)
            return syntax_error(scanner, scanner->at, err, "not valid UTF-8");
        scanner->at += length;
        token->unescaped += length;
    }
    token->text = (const char *)scanner->text + begin;
    token->length = scanner->at - begin;
    scanner->at++;
    return LTD_OK;
}

void json_token_unescape(const struct json_token *token, char *out)
{
    const uint8_t *text = (const uint8_t *)token->text;
    size_t at = 0;

    while (at < token->length) {
        const uint8_t *escape = memchr(text + at, '\\', token->length - at);
        const size_t plain = escape ? (size_t)(escape - text) - at : token->length - at;
        size_t length = 2;

        memcpy(out, text + at, plain);
        out += plain;
        at += plain;
        if (!escape)
            break;
        if (escape[1] == 'u')
            out = utf8_put(out, unicode_escape(text, token->length, at, &length));
        else
            *out++ = short_escape(escape[1]);
        at += length;
    }
    *out = '\0';
}

/* Passes one or more digits; false when there is none. */
static bool scan_digits(struct json_scanner *scanner)
{
    const size_t begin = scanner->at;
    int c;

    while (c = peek(scanner), c >= '0' && c <= '9')
        scanner->at++;
    return scanner->at > begin;
}

/* Takes Infinity or -Infinity where they are allowed and one is there. */
static bool scan_infinity(struct json_scanner *scanner, struct json_token *token)
{
    const size_t begin = scanner->at, sign = peek(scanner) == '-', length = sign + strlen("Infinity");

    if (!scanner->infinities || scanner->size - begin < length ||
        memcmp(scanner->text + begin + sign, "Infinity", length - sign) != 0)
        return false;
    scanner->at += length;
    token->kind = JSON_NUMBER;
    token->text = (const char *)scanner->text + begin;
    token->length = length;
    return true;
}

static enum ltd_status scan_number(struct json_scanner *scanner, struct json_token *token,
                                   struct ltd_error *err)
{
    const size_t begin = scanner->at;

    if (peek(scanner) == '-')
        scanner->at++;
    if (peek(scanner) == '0') {
        scanner->at++;
        if (peek(scanner) >= '0' && peek(scanner) <= '9')
            return syntax_error(scanner, scanner->at, err, "a number has a leading zero");
    } else if (!scan_digits(scanner)) {
        return syntax_error(scanner, scanner->at, err, "a number wants a digit");
    }
    if (peek(scanner) == '.') {
        scanner->at++;
        if (!scan_digits(scanner))
            return syntax_error(scanner, scanner->at, err, "a number wants a digit after its point");
    }
    if (peek(scanner) == 'e' || peek(scanner) == 'E') {
        scanner->at++;
        if (peek(scanner) == '+' || peek(scanner) == '-')
            scanner->at++;
        if (!scan_digits(scanner))
            return syntax_error(scanner, scanner->at, err, "a number wants a digit in its exponent");
    }
    token->kind = JSON_NUMBER;
    token->text = (const char *)scanner->text + begin;
    token->length = scanner->at - begin;
    return LTD_OK;
}

static enum ltd_status scan_literal(struct json_scanner *scanner, struct json_token *token,
                                    struct ltd_error *err)
{
    static const struct {
        const char *word;
        enum json_token_kind kind;
    } literals[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE}, {"null", JSON_NULL}};

    for (size_t i = 0; i < sizeof literals / sizeof literals[0]; i++) {
        const size_t length = strlen(literals[i].word);

        if (scanner->size - scanner->at >= length &&
            memcmp(scanner->text + scanner->at, literals[i].word, length) == 0) {
            token->kind = literals[i].kind;
            scanner->at += length;
            return LTD_OK;
        }
    }
    if (scanner->at == 0 && scanner->size >= 3 && memcmp(scanner->text, "\xEF\xBB\xBF", 3) == 0)
        return syntax_error(scanner, 0, err, "a byte order mark is not accepted");
    return syntax_error(scanner, scanner->at, err, "a value is expected");
}

static enum ltd_status scan_open(struct json_scanner *scanner, struct json_token *token,
                                 struct ltd_error *err)
{
    const bool is_object = peek(scanner) == '{';

    if (scanner->depth >= scanner->max_depth)
        return ltd_fail(err, LTD_ETOOBIG, "JSON: byte %zu: nested deeper than %zu", scanner->at,
                        scanner->max_depth);
    scanner->is_object[scanner->depth++] = is_object;
    scanner->state = is_object ? JSON_AT_FIRST_KEY : JSON_AT_FIRST_ELEMENT;
    scanner->at++;
    token->kind = is_object ? JSON_OPEN_OBJECT : JSON_OPEN_ARRAY;
    return LTD_OK;
}

static enum ltd_status scan_value(struct json_scanner *scanner, struct json_token *token,
                                  struct ltd_error *err)
{
    const int c = peek(scanner);

    token->offset = scanner->at;
    if (scanner->nodes >= scanner->max_nodes)
        return ltd_fail(err, LTD_ETOOBIG, "JSON: byte %zu: more than %zu values", scanner->at,
                        scanner->max_nodes);
    scanner->nodes++;
    if (c == '{' || c == '[')
        return scan_open(scanner, token, err);
    scanner->state = JSON_AFTER_VALUE;
    if (c == '"') {
        token->kind = JSON_STRING;
        return scan_string(scanner, token, err);
    }
    if (scan_infinity(scanner, token))
        return LTD_OK;
    if (c == '-' || (c >= '0' && c <= '9'))
        return scan_number(scanner, token, err);
    return scan_literal(scanner, token, err);
}

static enum ltd_status scan_key(struct json_scanner *scanner, struct json_token *token, struct ltd_error *err)
{
    enum ltd_status status;

    token->kind = JSON_KEY;
    token->offset = scanner->at;
    if (peek(scanner) != '"')
        return syntax_error(scanner, scanner->at, err, "a key in double quotes is expected");
    status = scan_string(scanner, token, err);
    if (status != LTD_OK)
        return status;
    skip_space(scanner);
    if (peek(scanner) != ':')
        return syntax_error(scanner, scanner->at, err, "a colon is expected");
    scanner->at++;
    scanner->state = JSON_AT_VALUE;
    return LTD_OK;
}

static enum ltd_status scan_close(struct json_scanner *scanner, struct json_token *token)
{
    token->offset = scanner->at++;
    token->kind = scanner->is_object[--scanner->depth] ? JSON_CLOSE_OBJECT : JSON_CLOSE_ARRAY;
    scanner->state = JSON_AFTER_VALUE;
    return LTD_OK;
}

static enum ltd_status scan_after_value(struct json_scanner *scanner, struct json_token *token,
                                        struct ltd_error *err)
{
    bool in_object;

    if (scanner->depth == 0) {
        token->kind = JSON_END;
        token->offset = scanner->at;
        if (scanner->at < scanner->size)
            return syntax_error(scanner, scanner->at, err, "there is something after the document");
        return LTD_OK;
    }
    in_object = scanner->is_object[scanner->depth - 1];
    if (peek(scanner) == (in_object ? '}' : ']'))
        return scan_close(scanner, token);
    if (peek(scanner) != ',')
        return syntax_error(scanner, scanner->at, err,
                            in_object ? "a comma or '}' is expected" : "a comma or ']' is expected");
    scanner->at++;
    skip_space(scanner);
    return in_object ? scan_key(scanner, token, err) : scan_value(scanner, token, err);
}

enum ltd_status json_scanner_next(struct json_scanner *scanner, struct json_token *token,
                                  struct ltd_error *err)
{
    skip_space(scanner);
    switch (scanner->state) {
    case JSON_AT_FIRST_ELEMENT:
        if (peek(scanner) == ']')
            return scan_close(scanner, token);
        return scan_value(scanner, token, err);
    case JSON_AT_FIRST_KEY:
        if (peek(scanner) == '}')
            return scan_close(scanner, token);
        return scan_key(scanner, token, err);
    case JSON_AFTER_VALUE:
        return scan_after_value(scanner, token, err);
    case JSON_AT_VALUE:
        break;
    }
    return scan_value(scanner, token, err);
}
