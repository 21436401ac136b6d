/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dns/answer.h"

#include "strings/strv.h"
#include "test.h"

#define ID     0x1234
#define SECRET "c2VjcmV0LW9mLXRoZS1rZXktc2VjcmV0LW9mLXRoZS1rZXk="

static char zone[] = "example.org", owner[] = "_acme-challenge.www.example.org",
            value[] = "gfj9Xq-_Rg85nM";

/* Makes an answer to a request, with these records in zone file format. */
static ldns_pkt *make_answer(const ldns_pkt *request, ldns_pkt_rcode rcode, bool aa,
                             const char *const answer[], const char *const authority[])
{
    ldns_pkt *packet = ldns_pkt_new();
    const struct {
        ldns_pkt_section section;
        const char *const *records;
    } sections[] = { { LDNS_SECTION_ANSWER, answer }, { LDNS_SECTION_AUTHORITY, authority } };

    ldns_pkt_set_id(packet, ldns_pkt_id(request));
    ldns_pkt_set_opcode(packet, ldns_pkt_get_opcode(request));
    ldns_pkt_set_qr(packet, true);
    ldns_pkt_set_aa(packet, aa);
    ldns_pkt_set_rcode(packet, (uint8_t)rcode);
    ASSERT_TRUE(ldns_pkt_push_rr(packet, LDNS_SECTION_QUESTION,
                                 ldns_rr_clone(ldns_rr_list_rr(ldns_pkt_question(request), 0))));
    for (size_t i = 0; i < ELEMENTSOF(sections); i++)
        for (const char *const *text = sections[i].records; text && *text; text++) {
            ldns_rr *record = NULL;

            ASSERT_OK(ldns_rr_new_frm_str(&record, *text, 60, NULL, NULL));
            ASSERT_TRUE(ldns_pkt_push_rr(packet, sections[i].section, record));
        }
    return packet;
}

static ldns_pkt *make_query(const char *name, ldns_rr_type type)
{
    ldns_pkt *query = NULL;
    uint8_t *wire = NULL;
    size_t size;

    ASSERT_OK(dns_query_new(name, type, true, &query));
    ASSERT_OK(dns_request_encode(query, ID, NULL, &wire, &size));
    ASSERT_EQ(dns_wire_id(wire), ID);
    free(wire);
    return query;
}

/* Encodes and parses it again. */
static int parse(const ldns_pkt *request, const TsigKey *key, const ldns_pkt *packet,
                 ldns_pkt **ret)
{
    uint8_t *wire = NULL;
    size_t size;
    int r;

    ASSERT_OK(ldns_pkt2wire(&wire, packet, &size));
    r = dns_answer_parse(request, key, wire, size, ret);
    free(wire);
    return r;
}

static ldns_pkt *answer_with(const char *name, ldns_rr_type type, const char *const records[],
                             const char *const authority[])
{
    _cleanup_(dns_packet_freep) ldns_pkt *query = make_query(name, type);
    _cleanup_(dns_packet_freep) ldns_pkt *made =
        make_answer(query, LDNS_RCODE_NOERROR, true, records, authority);
    ldns_pkt *answer = NULL;

    ASSERT_OK(parse(query, NULL, made, &answer));
    return answer;
}

static void test_matching(void)
{
    _cleanup_(dns_packet_freep) ldns_pkt *query = make_query("WWW.example.org", LDNS_RR_TYPE_TXT);
    static const struct {
        const char *name;
        ldns_rr_type type;
        int r;
    } questions[] = {
        { "www.example.ORG", LDNS_RR_TYPE_TXT, 0 },
        { "www.example.org", LDNS_RR_TYPE_A, -EBADMSG },
        { "example.org", LDNS_RR_TYPE_TXT, -EBADMSG },
        { "xwww.example.org", LDNS_RR_TYPE_TXT, -EBADMSG },
    };
    ldns_pkt *answer = NULL;
    uint8_t junk[DNS_HEADER_SIZE] = { ID >> 8, ID & 0xff };

    for (size_t i = 0; i < ELEMENTSOF(questions); i++) {
        _cleanup_(dns_packet_freep) ldns_pkt *other =
            make_query(questions[i].name, questions[i].type);
        _cleanup_(dns_packet_freep) ldns_pkt *made =
            make_answer(other, LDNS_RCODE_NOERROR, true, NULL, NULL);

        ASSERT_EQ(parse(query, NULL, made, &answer), questions[i].r);
        ldns_pkt_free(answer);
        answer = NULL;
        ldns_pkt_set_id(made, ID + 1);
        ASSERT_EQ(parse(query, NULL, made, &answer), -EBADMSG);
        ldns_pkt_set_id(made, ID);
        ldns_pkt_set_qr(made, false);
        ASSERT_EQ(parse(query, NULL, made, &answer), -EBADMSG);
        ldns_pkt_set_qr(made, true);
        ldns_pkt_set_opcode(made, LDNS_PACKET_NOTIFY);
        ASSERT_EQ(parse(query, NULL, made, &answer), -EBADMSG);
    }
    for (size_t size = 0; size <= sizeof(junk); size++)
        ASSERT_EQ(dns_answer_parse(query, NULL, junk, size, &answer), -EBADMSG);
    /* A refusal may omit the question. An answer may not. */
    junk[2] = 0x80;
    ASSERT_EQ(dns_answer_parse(query, NULL, junk, sizeof(junk), &answer), -EBADMSG);
    junk[3] = LDNS_RCODE_FORMERR;
    ASSERT_OK(dns_answer_parse(query, NULL, junk, sizeof(junk), &answer));
    ldns_pkt_free(answer);
}

static void test_update(void)
{
    const DnsText text = { .zone = zone, .owner = owner, .value = value };
    _cleanup_free_ char *printed = NULL;
    ldns_pkt *update = NULL;
    const ldns_rr *record;

    ASSERT_OK(dns_update_new(&text, true, 60, &update));
    ASSERT_EQ(ldns_pkt_get_opcode(update), LDNS_PACKET_UPDATE);
    ASSERT_EQ(ldns_rr_list_rr_count(ldns_pkt_authority(update)), 1);
    record = ldns_rr_list_rr(ldns_pkt_authority(update), 0);
    printed = ldns_rr2str(record);
    ASSERT_STREQ(printed, "_acme-challenge.www.example.org.\t60\tIN\tTXT\t\"gfj9Xq-_Rg85nM\"\n");
    ldns_pkt_free(update);

    ASSERT_OK(dns_update_new(&text, false, 60, &update));
    record = ldns_rr_list_rr(ldns_pkt_authority(update), 0);
    ASSERT_EQ(ldns_rr_get_class(record), LDNS_RR_CLASS_NONE);
    ASSERT_EQ(ldns_rr_ttl(record), 0);
    ASSERT_EQ(ldns_rr_rd_count(record), 1);
    ldns_pkt_free(update);
}

static void test_bad_names(void)
{
    char label[80], many[600];
    ldns_pkt *packet = NULL;

    memset(label, 'a', 64);
    label[64] = '\0';
    memset(many, 0, sizeof(many));
    for (size_t i = 0; i < 299; i++)
        many[i] = i % 2 ? '.' : 'a';
    ASSERT_EQ(dns_query_new(label, LDNS_RR_TYPE_A, true, &packet), -EINVAL);
    ASSERT_EQ(dns_query_new(many, LDNS_RR_TYPE_A, true, &packet), -EINVAL);
    ASSERT_EQ(dns_query_new("a..b", LDNS_RR_TYPE_A, true, &packet), -EINVAL);
    ASSERT_OK(dns_query_new("", LDNS_RR_TYPE_NS, true, &packet));
    ldns_pkt_free(packet);
}

/* Signs the answer as a server with this key does. */
static int answer_signed(const ldns_pkt *request, const TsigKey *expected, const TsigKey *by)
{
    _cleanup_(dns_packet_freep) ldns_pkt *made =
        make_answer(request, LDNS_RCODE_NOERROR, true, NULL, NULL);
    _cleanup_(dns_packet_freep) ldns_pkt *answer = NULL;

    if (by)
        ASSERT_OK(ldns_pkt_tsig_sign(made, by->name, by->secret, 300, by->algorithm->wire,
                                     ldns_rr_rdf(ldns_pkt_tsig(request), 3)));
    return parse(request, expected, made, &answer);
}

/* An answer must be signed if it says anything. */
static void test_unsigned_answers(const TsigKey *key)
{
    static const struct {
        ldns_pkt_rcode rcode;
        int r;
    } table[] = {
        { LDNS_RCODE_NOERROR, -ENOKEY },
        { LDNS_RCODE_NXDOMAIN, -ENOKEY },
        { LDNS_RCODE_REFUSED, 0 },
        { LDNS_RCODE_NOTAUTH, 0 },
    };
    _cleanup_(dns_packet_freep) ldns_pkt *query = NULL;
    uint8_t *wire = NULL;
    size_t size, unsigned_size;

    ASSERT_OK(dns_query_new(owner, LDNS_RR_TYPE_TXT, false, &query));
    ASSERT_OK(dns_request_encode(query, ID, key, &wire, &size));
    free(wire);
    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        _cleanup_(dns_packet_freep) ldns_pkt *made =
            make_answer(query, table[i].rcode, true, NULL, NULL);
        _cleanup_(dns_packet_freep) ldns_pkt *answer = NULL;

        ASSERT_EQ(parse(query, key, made, &answer), table[i].r);
    }

    /* The same request once more, without the signature. */
    ASSERT_OK(dns_request_encode(query, ID, NULL, &wire, &unsigned_size));
    free(wire);
    ASSERT_TRUE(unsigned_size < size && !ldns_pkt_tsig(query));
}

static void test_signatures(void)
{
    static const char *const algorithms[] = { "hmac-sha256", "hmac-sha512", "hmac-sha1",
                                              "hmac-md5" };
    const DnsText text = { .zone = zone, .owner = owner, .value = value };

    for (size_t i = 0; i < ELEMENTSOF(algorithms); i++) {
        _cleanup_(tsig_key_freep) TsigKey *key = NULL, *other_secret = NULL, *other_name = NULL;
        _cleanup_(dns_packet_freep) ldns_pkt *update = NULL, *another = NULL;
        char spec[128], why[TSIG_WHY_SIZE];
        uint8_t *wire = NULL;
        size_t size;

        snprintf(spec, sizeof(spec), "%s:acmems:" SECRET, algorithms[i]);
        ASSERT_OK(tsig_key_parse(spec, why, &key));
        snprintf(spec, sizeof(spec), "%s:acmems:AAAA", algorithms[i]);
        ASSERT_OK(tsig_key_parse(spec, why, &other_secret));
        snprintf(spec, sizeof(spec), "%s:other:" SECRET, algorithms[i]);
        ASSERT_OK(tsig_key_parse(spec, why, &other_name));
        ASSERT_OK(dns_update_new(&text, true, 60, &update));
        ASSERT_OK(dns_request_encode(update, ID, key, &wire, &size));
        free(wire);
        ASSERT_OK(answer_signed(update, key, key));
        ASSERT_EQ(answer_signed(update, key, other_secret), -EKEYREJECTED);
        ASSERT_EQ(answer_signed(update, key, other_name), -EKEYREJECTED);
        ASSERT_EQ(answer_signed(update, key, NULL), -ENOKEY);
        test_unsigned_answers(key);

        /* An answer to another request is rejected. */
        ASSERT_OK(dns_update_new(&text, false, 60, &another));
        ASSERT_OK(dns_request_encode(another, ID, key, &wire, &size));
        free(wire);
        {
            _cleanup_(dns_packet_freep) ldns_pkt *made =
                make_answer(another, LDNS_RCODE_NOERROR, true, NULL, NULL);
            ldns_pkt *answer = NULL;

            ASSERT_OK(ldns_pkt_tsig_sign(made, key->name, key->secret, 300, key->algorithm->wire,
                                         ldns_rr_rdf(ldns_pkt_tsig(another), 3)));
            ASSERT_EQ(parse(update, key, made, &answer), -EKEYREJECTED);
        }
    }
}

static void test_aliases(void)
{
    static const struct {
        const char *name, *record, *target;
    } table[] = {
        { "a.example.org", "a.example.org. 1 IN CNAME B.Example.NET.", "b.example.net" },
        { "a.example.org", "A.EXAMPLE.ORG. 1 IN CNAME .", "" },
        { "a.example.org", "b.example.org. 1 IN CNAME c.example.org.", NULL },
        { "a.example.org", "a.example.org. 1 IN TXT x", NULL },
        { "x.a.example.org", "example.org. 1 IN DNAME example.net.", "x.a.example.net" },
        { "x.a.example.org", "a.example.org. 1 IN DNAME example.net.", "x.example.net" },
        { "x.a.example.org", "a.example.org. 1 IN DNAME .", "x" },
        { "a.example.org", "a.example.org. 1 IN DNAME example.net.", NULL },
        { "xa.example.org", "a.example.org. 1 IN DNAME example.net.", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const char *records[] = { table[i].record, NULL };
        _cleanup_(dns_packet_freep) ldns_pkt *answer =
            answer_with(table[i].name, LDNS_RR_TYPE_CNAME, records, NULL);
        _cleanup_free_ char *target = NULL;

        ASSERT_OK(dns_answer_alias(answer, table[i].name, &target));
        if (table[i].target)
            ASSERT_STREQ(target, table[i].target);
        else
            ASSERT_TRUE(!target);
    }
}

static void test_zones(void)
{
#define SOA " 1 IN SOA ns.example.org. hostmaster.example.org. 1 2 3 4 5"
    static const struct {
        const char *answer, *authority, *zone;
    } table[] = {
        { "a.example.org." SOA, NULL, "a.example.org" },
        { NULL, "Example.ORG." SOA, "example.org" },
        { NULL, "org." SOA, "org" },
        { NULL, "." SOA, "" },
        { NULL, "b.example.org." SOA, NULL },
        { NULL, "x.a.example.org." SOA, NULL },
        { "example.org." SOA, NULL, NULL },
        { NULL, "example.org. 1 IN NS ns.example.org.", NULL },
        { NULL, NULL, NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const char *records[] = { table[i].answer, NULL },
                   *authority[] = { table[i].authority, NULL };
        _cleanup_(dns_packet_freep) ldns_pkt *answer =
            answer_with("a.example.org", LDNS_RR_TYPE_SOA, records, authority);
        _cleanup_free_ char *found = NULL;

        ASSERT_OK(dns_answer_zone(answer, "a.example.org", &found));
        if (table[i].zone)
            ASSERT_STREQ(found, table[i].zone);
        else
            ASSERT_TRUE(!found);
    }
}

static void test_servers(void)
{
    const char *records[3 * DNS_NAMES_MAX];
    char texts[2 * DNS_NAMES_MAX][64];
    static const char *const addresses[] = { "ns.example.org. 1 IN A 192.0.2.1",
                                             "ns.example.org. 1 IN CNAME real.example.org.",
                                             "real.example.org. 1 IN AAAA 2001:db8::1",
                                             "real.example.org. 1 IN A 192.0.2.1", NULL };
    _cleanup_strv_ char **names = NULL;
    ldns_pkt *answer;
    DnsServers servers = { 0 };
    size_t n = 0;

    records[n++] = "example.net. 1 IN NS elsewhere.example.org.";
    records[n++] = "example.org. 1 IN NS NS0.example.org.";
    for (size_t i = 0; i < ELEMENTSOF(texts); i++) {
        snprintf(texts[i], sizeof(texts[i]), "example.org. 1 IN NS ns%zu.example.org.", i);
        records[n++] = texts[i];
    }
    records[n] = NULL;
    answer = answer_with(zone, LDNS_RR_TYPE_NS, records, NULL);
    ASSERT_OK(dns_answer_name_servers(answer, zone, &names));
    ASSERT_EQ(strv_length(names), DNS_NAMES_MAX);
    ASSERT_STREQ(names[0], "ns0.example.org");
    ASSERT_STREQ(names[1], "ns1.example.org");
    ldns_pkt_free(answer);

    answer = answer_with("ns.example.org", LDNS_RR_TYPE_A, addresses, NULL);
    ASSERT_OK(dns_answer_addresses(answer, &servers));
    ASSERT_EQ(servers.n, 2);
    ASSERT_STREQ(servers.list[0].text, "192.0.2.1");
    ASSERT_STREQ(servers.list[1].text, "2001:db8::1");
    dns_servers_done(&servers);
    ldns_pkt_free(answer);
}

static void test_texts(void)
{
    static const struct {
        const char *record;
        bool found;
    } table[] = {
        { "_acme-challenge.www.example.org. 1 IN TXT \"gfj9Xq-_Rg85nM\"", true },
        { "_ACME-challenge.www.example.org. 1 IN TXT \"gfj9Xq\" \"-_Rg85nM\" \"\"", true },
        { "_acme-challenge.www.example.org. 1 IN TXT \"gfj9Xq-_Rg85n\"", false },
        { "_acme-challenge.www.example.org. 1 IN TXT \"gfj9Xq-_Rg85nMx\"", false },
        { "_acme-challenge.www.example.org. 1 IN TXT \"gfj9Xq-_Rg85nM\" \"x\"", false },
        { "_acme-challenge.www.example.org. 1 IN TXT \"GFJ9XQ-_Rg85nM\"", false },
        { "_acme-challenge.www.example.org. 1 IN TXT \"\"", false },
        { "www.example.org. 1 IN TXT \"gfj9Xq-_Rg85nM\"", false },
    };
    const DnsText text = { .zone = zone, .owner = owner, .value = value };

    for (size_t i = 0; i < ELEMENTSOF(table); i++) {
        const char *records[] = { "_acme-challenge.www.example.org. 1 IN TXT \"other\"",
                                  table[i].record, NULL };
        _cleanup_(dns_packet_freep) ldns_pkt *answer =
            answer_with(owner, LDNS_RR_TYPE_TXT, records, NULL);

        ASSERT_EQ(dns_answer_has_text(answer, &text), table[i].found);
    }
}

static void test_words(void)
{
    _cleanup_(dns_packet_freep) ldns_pkt *query = make_query(zone, LDNS_RR_TYPE_SOA);
    _cleanup_(dns_packet_freep) ldns_pkt *answer =
        make_answer(query, LDNS_RCODE_REFUSED, false, NULL, NULL);
    char buf[DNS_WORDS_SIZE];

    ASSERT_STREQ(dns_answer_words(answer, buf), "REFUSED");
    ldns_pkt_set_rcode(answer, 15);
    ASSERT_STREQ(dns_answer_words(answer, buf), "RCODE 15");
}

static void test_within(void)
{
    ASSERT_TRUE(dns_name_is_within("a.example.org", "example.org"));
    ASSERT_TRUE(dns_name_is_within("example.org", "example.org"));
    ASSERT_TRUE(dns_name_is_within("example.org", ""));
    ASSERT_FALSE(dns_name_is_within("aexample.org", "example.org"));
    ASSERT_FALSE(dns_name_is_within("org", "example.org"));
}

int main(void)
{
    test_matching();
    test_update();
    test_bad_names();
    test_signatures();
    test_aliases();
    test_zones();
    test_servers();
    test_texts();
    test_words();
    test_within();
    return EXIT_SUCCESS;
}
