/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "statedir/storage/request.h"

#include "make-x509.h"
#include "test.h"

/* The key is the hash of the body, also if the body is not a CSR. */
static void test_key(void)
{
    SignRequest request;
    char key[STORAGE_KEY_SIZE];
    const char *why = NULL;

    ASSERT_OK(storage_key("abc", 3, key));
    ASSERT_OK(sign_request_init(&request, "abcd", 3));
    ASSERT_STREQ(request.key, key);
    ASSERT_EQ(sign_request_parse(&request, &why), -EBADMSG);
    ASSERT_TRUE(why && !request.csr);
    sign_request_done(&request);
}

/* Take and move transfer ownership. */
static void test_ownership(void)
{
    _cleanup_key_ EVP_PKEY *key = make_key("P-256");
    _cleanup_free_ char *body = make_request(key, NULL, "DNS:a.example");
    char *taken = strdup(body);
    SignRequest request, moved;
    const char *why;

    ASSERT_TRUE(taken);
    ASSERT_OK(sign_request_take(&request, &taken, strlen(body)));
    ASSERT_FALSE(taken);
    ASSERT_OK(sign_request_parse(&request, &why));
    ASSERT_STREQ(request.csr->names[0], "a.example");

    sign_request_move(&request, body, &moved);
    ASSERT_TRUE(moved.csr && moved.body == body && !moved.memory);
    ASSERT_STREQ(moved.key, request.key);
    ASSERT_TRUE(!request.csr && request.memory == request.body);
    sign_request_done(&request);
    sign_request_done(&moved);
    ASSERT_TRUE(!moved.csr && !moved.body);
}

int main(void)
{
    test_key();
    test_ownership();
    return EXIT_SUCCESS;
}
