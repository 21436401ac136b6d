/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/request.h"

int sign_request_init(SignRequest *ret, const char *body, size_t size)
{
    SignRequest request = { .body = body, .size = size };
    int r = storage_key(body, size, request.key);

    if (r < 0)
        return r;
    *ret = request;
    return 0;
}

int sign_request_take(SignRequest *ret, char **body, size_t size)
{
    int r = sign_request_init(ret, *body, size);

    if (r >= 0)
        ret->memory = TAKE_PTR(*body);
    return r;
}

int sign_request_parse(SignRequest *request, const char **ret_why)
{
    return csr_parse(request->body, request->size, &request->csr, ret_why);
}

void sign_request_move(SignRequest *request, const char *body, SignRequest *ret)
{
    *ret = *request;
    ret->body = body;
    ret->memory = NULL;
    request->csr = NULL;
}

void sign_request_done(SignRequest *request)
{
    csr_free(request->csr);
    free(request->memory);
    *request = (SignRequest){ 0 };
}
