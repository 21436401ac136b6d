/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The forms in which a CSR arrives: PEM, as it is or in UTF-16, or DER. */

#include <stdbool.h>
#include <stddef.h>

typedef struct CsrForm {
    const char *text; /* PEM, without a byte order mark; or the body itself if it is DER */
    size_t size;
    bool is_der;
    char *memory; /* owned; NULL: .text is part of the body */
} CsrForm;

/* Takes a body for what it is. Editors and shells of Windows write UTF-16 and byte order marks, and
 * a line end may follow DER.
 * @ret: borrows @body; free with csr_form_done(). 0 or -ENOMEM. */
int csr_form_read(const char *body, size_t size, CsrForm *ret);
void csr_form_done(CsrForm *form);

/* Why a text contains no readable PEM block, where that can be told: what happened to it on its
 * way, and what to do. Static; NULL: unknown. */
const char *csr_form_explain(const char *text, size_t size);

#define _cleanup_csr_form_ _cleanup_(csr_form_done)
