/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x509/csr-form.h"

#include <ctype.h>

#include "base/macro.h"
#include "strings/text.h"

#define BEGIN     "-----BEGIN "
#define SEQUENCE  0x30 /* the first byte of a DER CSR (RFC 2986 §4.2) */
#define LONG_FORM 0x80 /* its length takes more than one byte; else the second byte is it */

/* UTF-16 of ASCII text, by its first two bytes. Without a byte order mark it starts with a dash. */
static const struct {
    const char *start;
    size_t skip;  /* bytes of the mark */
    size_t ascii; /* which byte of a pair is the character */
} encodings[] = {
    { "\xff\xfe", 2, 0 },
    { "\xfe\xff", 2, 1 },
    { "-\0", 0, 0 },
    { "\0-", 0, 1 },
};

/* Characters that are not ASCII become question marks: base64 has none. */
static int from_utf16(const char *bytes, size_t size, size_t ascii, CsrForm *ret)
{
    size_t n = size / 2;

    ret->memory = malloc(n + 1);
    if (!ret->memory)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        ret->memory[i] = bytes[2 * i + 1 - ascii] == '\0' ? bytes[2 * i + ascii] : '?';
    ret->memory[n] = '\0';
    ret->text = ret->memory;
    ret->size = n;
    return 0;
}

int csr_form_read(const char *body, size_t size, CsrForm *ret)
{
    const unsigned char *bytes = (const unsigned char *)body;
    size_t mark = text_mark_size(body, size);

    *ret = (CsrForm){ .text = body, .size = size };
    if (size < 4)
        return 0;
    ret->is_der = bytes[0] == SEQUENCE && (bytes[1] > LONG_FORM || bytes[1] + 2U == size);
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

static bool has_escaped_line_ends(const char *text, size_t size)
{
    return contains(text, size, BEGIN) && contains(text, size, "-----\\n");
}

static bool has_other_dashes(const char *text, size_t size)
{
    static const char *const dashes[] = { "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x93",
                                          "\xe2\x80\x94", "\xe2\x88\x92" };

    for (size_t i = 0; i < ELEMENTSOF(dashes); i++)
        if (contains(text, size, dashes[i]))
            return true;
    return false;
}

static bool has_bare_returns(const char *text, size_t size)
{
    return contains(text, size, BEGIN) && contains(text, size, "\r") && !contains(text, size, "\n");
}

static bool is_indented(const char *text, size_t size)
{
    const char *begin = memmem(text, size, BEGIN, STRLEN(BEGIN));

    return begin && begin > text && (begin[-1] == ' ' || begin[-1] == '\t');
}

static bool is_in_one_line(const char *text, size_t size)
{
    return contains(text, size, BEGIN) && !contains(text, size, "\n") &&
           !contains(text, size, "\r");
}

static bool is_bare_base64(const char *text, size_t size)
{
    size_t n = 0;

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
    { has_escaped_line_ends, "The CSR contains \\n as two characters where lines end. Send the "
                             "file with its line ends, for "
                             "example with curl --data-binary @FILE." },
    { has_bare_returns,
      "The lines of the CSR end in CR alone. Write them with LF or CRLF, for example with tr "
      "'\\r' '\\n'." },
    { is_in_one_line,
      "The CSR is in one line, without line ends. Send it unchanged, for example with curl "
      "--data-binary @FILE (-d removes line ends)." },
    { is_indented, "The lines of the CSR are indented. Send it without blanks before the dashes." },
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
