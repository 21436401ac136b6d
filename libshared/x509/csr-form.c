/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/csr-form.h"

#include <ctype.h>

#include "base/macro.h"
#include "strings/text.h"

#define BEGIN     "-----BEGIN "
#define END       "-----END "
#define SEQUENCE  0x30 /* the first byte of a DER CSR (RFC 2986 §4.2) */
#define LONG_FORM 0x80 /* its length takes more than one byte; else the second byte is it */

#define DASH_1252 "\x96" /* en dash in Windows-1252 */

/* UTF-16 of ASCII text, by its first two bytes. Without a byte order mark it starts with a dash, or
 * with the en or em dash that took its place. */
static const struct {
    const char *start;
    size_t skip;  /* bytes of the mark */
    size_t ascii; /* which byte of a pair is the character */
} encodings[] = {
    { "\xff\xfe", 2, 0 }, { "\xfe\xff", 2, 1 }, { "-\0", 0, 0 },      { "\0-", 0, 1 },
    { "\x13\x20", 0, 0 }, { "\x20\x13", 0, 1 }, { "\x14\x20", 0, 0 }, { "\x20\x14", 0, 1 },
};

/* What takes the place of the dashes in word processors and web pages: U+2010, U+2011, U+2013,
 * U+2014, U+2212, and the en and em dash of Windows-1252. */
static const char *const dashes[] = {
    "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x93", "\xe2\x80\x94",
    "\xe2\x88\x92", DASH_1252,      "\x97",
};

static char from_unit(unsigned char high, unsigned char low)
{
    static const unsigned char general[] = { 0x10, 0x11, 0x13, 0x14 }; /* U+20xx */

    if (high == 0)
        return (char)low;
    if ((high == 0x20 && memchr(general, low, sizeof(general))) || (high == 0x22 && low == 0x12))
        return *DASH_1252;
    return '?';
}

/* Dashes that are not ASCII stay dashes. Other characters become question marks: base64 has none.
 */
static int from_utf16(const char *bytes, size_t size, size_t ascii, CsrForm *ret)
{
    size_t n = size / 2;

    ret->memory = malloc(n + 1);
    if (!ret->memory)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ret->memory[i] =
            from_unit((unsigned char)bytes[2 * i + 1 - ascii], (unsigned char)bytes[2 * i + ascii]);
    ret->memory[n] = '\0';
    ret->text = ret->memory;
    ret->size = n;
    return 0;
}

/* The bytes that a DER element has by its own header (X.690 §8.1.3); 0: more than a body can have.
 */
static size_t der_size(const unsigned char *bytes, size_t size)
{
    size_t n = bytes[1] & ~LONG_FORM, length = 0;

    if (!(bytes[1] & LONG_FORM))
        return 2 + n;
    if (n > 3 || size < 2 + n)
        return 0;
    for (size_t i = 0; i < n; i++)
        length = length << 8 | bytes[2 + i];
    return 2 + n + length;
}

/* Whether the body is DER, perhaps with a line end that a shell or an editor added: it is cut off.
 */
static bool take_der(CsrForm *form)
{
    const unsigned char *bytes = (const unsigned char *)form->text;
    size_t whole = der_size(bytes, form->size), end = form->size;

    if (bytes[0] != SEQUENCE)
        return false;
    while (end > whole && (bytes[end - 1] == '\n' || bytes[end - 1] == '\r'))
        end--;
    if (end == whole)
        form->size = whole;
    return bytes[1] > LONG_FORM || whole == form->size;
}

int csr_form_read(const char *body, size_t size, CsrForm *ret)
{
    size_t mark = text_mark_size(body, size);

    *ret = (CsrForm){ .text = body, .size = size };
    if (size < 4)
        return 0;
    ret->is_der = take_der(ret);
    if (mark > 0) {
        ret->text += mark;
        ret->size -= mark;
        return 0;
    }
    for (size_t i = 0; i < ELEMENTSOF(encodings); i++)
        if (memcmp(body, encodings[i].start, 2) == 0)
            return from_utf16(body + encodings[i].skip, size - encodings[i].skip,
                              encodings[i].ascii, ret);
    return 0;
}

void csr_form_done(CsrForm *form)
{
    free(form->memory);
    *form = (CsrForm){ 0 };
}

static bool contains(const char *text, size_t size, const char *what)
{
    return memmem(text, size, what, strlen(what));
}

static bool has_escaped_line_feeds(const char *text, size_t size)
{
    return contains(text, size, BEGIN) && contains(text, size, "-----\\n");
}

static bool has_escaped_returns(const char *text, size_t size)
{
    return contains(text, size, BEGIN) && contains(text, size, "-----\\r");
}

static bool has_dash_before(const char *text, const char *end)
{
    while (end > text && end[-1] == '-')
        end--;
    for (size_t i = 0; i < ELEMENTSOF(dashes); i++) {
        size_t length = strlen(dashes[i]);

        if ((size_t)(end - text) >= length && memcmp(end - length, dashes[i], length) == 0)
            return true;
    }
    return false;
}

static bool has_dash_after(const char *text, size_t size)
{
    size_t n = 0;

    while (n < size && text[n] == '-')
        n++;
    for (size_t i = 0; i < ELEMENTSOF(dashes); i++)
        if (size - n >= strlen(dashes[i]) && memcmp(text + n, dashes[i], strlen(dashes[i])) == 0)
            return true;
    return false;
}

/* Other text around the CSR may have such characters. */
static bool has_other_dashes(const char *text, size_t size)
{
    static const char *const words[] = { "BEGIN ", "END ", "REQUEST" };

    for (size_t i = 0; i < ELEMENTSOF(words); i++) {
        size_t length = strlen(words[i]), left = size;
        const char *at = text;

        while ((at = memmem(at, left, words[i], length))) {
            if (has_dash_before(text, at) ||
                has_dash_after(at + length, size - (size_t)(at + length - text)))
                return true;
            at += length;
            left = size - (size_t)(at - text);
        }
    }
    return false;
}

/* From the first line of the CSR to its last one, without the end of that. */
static bool has_bare_returns(const char *text, size_t size)
{
    const char *begin = memmem(text, size, BEGIN, STRLEN(BEGIN));
    size_t left = begin ? size - (size_t)(begin - text) : 0;
    const char *end = begin ? memmem(begin, left, END, STRLEN(END)) : NULL;

    if (end)
        left = (size_t)(end - begin);
    return begin && memchr(begin, '\r', left) && !memchr(begin, '\n', left);
}

static bool is_after_blank(const char *text, size_t size, const char *what)
{
    const char *at = memmem(text, size, what, strlen(what));

    return at && at > text && (at[-1] == ' ' || at[-1] == '\t');
}

static bool is_indented(const char *text, size_t size)
{
    return is_after_blank(text, size, BEGIN);
}

static bool has_indented_end(const char *text, size_t size)
{
    return is_after_blank(text, size, END);
}

static bool is_in_one_line(const char *text, size_t size)
{
    return contains(text, size, BEGIN) && !contains(text, size, "\n") &&
           !contains(text, size, "\r");
}

static bool is_bare_base64(const char *text, size_t size)
{
    size_t n = 0;

    while (size > 0 && strchr(" \t\r\n", *text)) {
        text++;
        size--;
    }
    for (size_t i = 0; i < size; i++) {
        if (strchr(" \t\r\n", text[i]))
            continue;
        if (!isalnum((unsigned char)text[i]) && !strchr("+/=", text[i]))
            return false;
        n++;
    }
    return n > 4 && text[0] == 'M'; /* the first byte of DER in base64 */
}

static const struct {
    bool (*applies)(const char *text, size_t size);
    const char *reason;
} causes[] = {
    { has_other_dashes,
      "The dashes of the CSR were replaced by similar characters, as word processors and web pages "
      "do. Send the CSR file itself." },
    { has_escaped_line_feeds, "The CSR contains \\n as two characters where lines end. Send the "
                              "file with its line ends, for "
                              "example with curl --data-binary @FILE." },
    { has_escaped_returns, "The CSR contains \\r\\n as four characters where lines end. Send the "
                           "file with its line ends, "
                           "for example with curl --data-binary @FILE." },
    { has_bare_returns,
      "The lines of the CSR end in CR alone. Write them with LF or CRLF, for example with tr "
      "'\\r' '\\n'." },
    { is_in_one_line,
      "The CSR is in one line, without line ends. Send it unchanged, for example with curl "
      "--data-binary @FILE (-d removes line ends)." },
    { is_indented, "The lines of the CSR are indented. Send it without blanks before the dashes." },
    { has_indented_end,
      "The lines of the CSR after the first one are indented. Send it without blanks before the "
      "dashes." },
    { is_bare_base64, "The request contains base64 without the line '-----BEGIN CERTIFICATE "
                      "REQUEST-----' before it "
                      "and the END line after it. Send the complete CSR file." },
};

const char *csr_form_explain(const char *text, size_t size)
{
    for (size_t i = 0; i < ELEMENTSOF(causes); i++)
        if (size > 0 && causes[i].applies(text, size))
            return causes[i].reason;
    return NULL;
}
