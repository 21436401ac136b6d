/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "test.h"
#include "x509/pem.h"

static int next(const char **text, PemBlock *ret)
{
    size_t size = strlen(*text);

    return pem_next(text, &size, ret);
}

static void test_blocks(void)
{
    const char *text = "Some words\n"
                       "and -----BEGIN X----- in a line\n"
                       "-----BEGIN A B-----\r\n"
                       "Zm9v\r\n"
                       "  YmFy \r\n"
                       "-----END A B-----\r\n"
                       "between\n"
                       "-----BEGIN C-----\n"
                       "-----END C-----";
    _cleanup_free_ uint8_t *data = NULL;
    PemBlock block;
    size_t size;

    ASSERT_EQ(next(&text, &block), 1);
    ASSERT_TRUE(pem_block_is(&block, "A B"));
    ASSERT_FALSE(pem_block_is(&block, "A"));
    ASSERT_FALSE(pem_block_is(&block, "A B C"));
    ASSERT_EQ(strncmp(block.start, "-----BEGIN A B-----", 19), 0);
    ASSERT_EQ(strncmp(block.start + block.size - 9, " A B-----", 9), 0);
    ASSERT_OK(pem_block_decode(&block, &data, &size));
    ASSERT_EQ(size, 6);
    ASSERT_STREQ((char *)data, "foobar");
    free(TAKE_PTR(data));

    ASSERT_EQ(next(&text, &block), 1);
    ASSERT_TRUE(pem_block_is(&block, "C"));
    ASSERT_OK(pem_block_decode(&block, &data, &size));
    ASSERT_EQ(size, 0);
    ASSERT_EQ(next(&text, &block), 0);
    ASSERT_STREQ(text, "");
}

static void test_none(void)
{
    const char *text = "no block\n in here";
    PemBlock block;

    ASSERT_EQ(next(&text, &block), 0);
    text = "";
    ASSERT_EQ(next(&text, &block), 0);
}

static void test_refused(void)
{
    static const char *const wrong[] = {
        "-----BEGIN A-----\nZm9v\n",
        "-----BEGIN A-----\n-----END B-----\n",
        "-----BEGIN A-----\n-----END AA-----\n",
        "-----BEGIN A-----\n-----BEGIN A-----\n-----END A-----\n-----END A-----\n",
        "-----END A-----\n",
        "-----BEGIN A\n-----END A-----\n",
        "-----BEGIN A-----\n-----END A---\n",
        "-----BEGIN -----\n-----END -----\n",
        "-----BEGIN A-----Zm9v-----END A-----\n",
    };
    static const char nul[] = "-----BEGIN A-----\nZm\0v\n-----END A-----\n";
    const char *text = nul;
    size_t size = sizeof(nul) - 1;
    PemBlock block;

    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        text = wrong[i];
        if (next(&text, &block) != -EBADMSG) {
            fprintf(stderr, "accepted: %s\n", wrong[i]);
            exit(EXIT_FAILURE);
        }
    }
    text = nul;
    ASSERT_EQ(pem_next(&text, &size, &block), -EBADMSG);
}

static void test_decode_refused(void)
{
    static const char *const wrong[] = {
        "-----BEGIN A-----\nZm9\n-----END A-----\n",
        "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nZm9v\n-----END A-----\n",
        "-----BEGIN A-----\nZm9v!\n-----END A-----\n",
    };

    for (size_t i = 0; i < ELEMENTSOF(wrong); i++) {
        const char *text = wrong[i];
        uint8_t *data = NULL;
        PemBlock block;
        size_t size;

        ASSERT_EQ(next(&text, &block), 1);
        ASSERT_EQ(pem_block_decode(&block, &data, &size), -EBADMSG);
        ASSERT_TRUE(!data);
    }
}

int main(void)
{
    test_blocks();
    test_none();
    test_refused();
    test_decode_refused();
    return 0;
}
