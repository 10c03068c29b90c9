/*
 * Calls every library that packaging/deps builds, so that a prefix is moved
 * into the cache only when a program can be linked against it and runs.
 * Prints one line of versions; any failed check ends it with status 1.
 */
#include <curl/curl.h>
#include <jansson.h>
#include <mbedtls/ecp.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <mbedtls/x509_csr.h>
#include <netdb.h>
#include <psa/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <yaml.h>
#include <zlib.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#if !defined(MBEDTLS_THREADING_PTHREAD) || !defined(MBEDTLS_SSL_PROTO_TLS1_2) ||                   \
    !defined(MBEDTLS_SSL_PROTO_TLS1_3) || !defined(MBEDTLS_SSL_ALPN) ||                            \
    !defined(MBEDTLS_SSL_SERVER_NAME_INDICATION) || !defined(MBEDTLS_SSL_SESSION_TICKETS) ||       \
    !defined(MBEDTLS_SSL_MAX_FRAGMENT_LENGTH) || !defined(MBEDTLS_SSL_RECORD_SIZE_LIMIT)
#error "mbedtls_config.h lacks a setting that Rescue relies on"
#endif

static void check(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "smoke: failed: %s\n", what);
    exit(1);
}

static void check_zlib(void)
{
    static const char text[] = "rescue rescue rescue rescue";
    unsigned char packed[128], unpacked[sizeof(text)];
    uLongf packed_len = sizeof(packed), unpacked_len = sizeof(unpacked);

    check(compress(packed, &packed_len, (const Bytef *)text, sizeof(text)) == Z_OK, "compress");
    check(uncompress(unpacked, &unpacked_len, packed, packed_len) == Z_OK, "uncompress");
    check(memcmp(text, unpacked, sizeof(text)) == 0, "what was compressed comes back");
}

static void check_yaml(void)
{
    static const unsigned char text[] = "a: [1, 2]\n";
    yaml_parser_t parser;
    yaml_document_t document;

    check(yaml_parser_initialize(&parser), "yaml_parser_initialize");
    yaml_parser_set_input_string(&parser, text, sizeof(text) - 1);
    check(yaml_parser_load(&parser, &document), "yaml_parser_load");
    check(yaml_document_get_root_node(&document)->type == YAML_MAPPING_NODE, "YAML mapping");
    yaml_document_delete(&document);
    yaml_parser_delete(&parser);
}

static void check_json(void)
{
    json_t *root = json_loads("{\"a\": 1.5}", 0, NULL);

    check(root != NULL, "json_loads");
    check(json_real_value(json_object_get(root, "a")) > 1.4, "JSON number");
    json_decref(root);
}

static void check_pcre2(void)
{
    static const PCRE2_UCHAR8 subject[] = "key=\xc3\x84-1234567890";
    uint32_t jit = 0;
    int error;
    PCRE2_SIZE offset, jit_size = 0;
    pcre2_code *code;
    pcre2_match_data *match;

    check(pcre2_config(PCRE2_CONFIG_JIT, &jit) == 0 && jit == 1, "PCRE2 has its JIT");
    code = pcre2_compile((PCRE2_SPTR) "\\p{Lu}-[0-9]{10}", PCRE2_ZERO_TERMINATED, PCRE2_UTF, &error,
                         &offset, NULL);
    check(code != NULL, "pcre2_compile");
    check(pcre2_jit_compile(code, PCRE2_JIT_COMPLETE) == 0, "pcre2_jit_compile");
    check(pcre2_pattern_info(code, PCRE2_INFO_JITSIZE, &jit_size) == 0 && jit_size > 0,
          "PCRE2 made machine code");
    match = pcre2_match_data_create_from_pattern(code, NULL);
    check(pcre2_jit_match(code, subject, sizeof(subject) - 1, 0, 0, match, NULL) == 1,
          "pcre2_jit_match");
    check(pcre2_get_ovector_pointer(match)[0] == 4, "PCRE2 match position");
    pcre2_match_data_free(match);
    pcre2_code_free(code);
}

static int psa_rng(void *context, unsigned char *out, size_t len)
{
    (void)context;
    return psa_generate_random(out, len) == PSA_SUCCESS ? 0 : -1;
}

static void check_mbedtls(void)
{
    mbedtls_pk_context key;
    mbedtls_x509write_csr request;
    mbedtls_x509_csr parsed;
    mbedtls_ssl_config config;
    unsigned char pem[2048];

    check(psa_crypto_init() == PSA_SUCCESS, "psa_crypto_init");
    mbedtls_pk_init(&key);
    check(mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY)) == 0, "pk_setup");
    check(mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(key), psa_rng, NULL) == 0,
          "a P-256 key");
    mbedtls_x509write_csr_init(&request);
    mbedtls_x509write_csr_set_md_alg(&request, MBEDTLS_MD_SHA256);
    mbedtls_x509write_csr_set_key(&request, &key);
    check(mbedtls_x509write_csr_set_subject_name(&request, "CN=smoke") == 0, "a CSR's subject");
    check(mbedtls_x509write_csr_pem(&request, pem, sizeof(pem), psa_rng, NULL) == 0, "a CSR");
    mbedtls_x509_csr_init(&parsed);
    check(mbedtls_x509_csr_parse(&parsed, pem, strlen((char *)pem) + 1) == 0, "the CSR parses");
    mbedtls_x509_csr_free(&parsed);
    mbedtls_x509write_csr_free(&request);
    mbedtls_pk_free(&key);

    mbedtls_ssl_config_init(&config);
    check(mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                      MBEDTLS_SSL_PRESET_DEFAULT) == 0,
          "TLS client defaults");
    mbedtls_ssl_config_free(&config);
}

/* Answers one request on the listening socket that arg points at. */
static void *answer_once(void *arg)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nsmoke";
    char request[1024];
    int fd = accept(*(int *)arg, NULL, NULL);

    if (fd >= 0 && read(fd, request, sizeof(request)) > 0 &&
        write(fd, answer, sizeof(answer) - 1) < 0)
        perror("smoke: write");
    if (fd >= 0)
        close(fd);
    return NULL;
}

static size_t take_body(char *data, size_t size, size_t count, void *body)
{
    if (strlen(body) + size * count < 64)
        strncat(body, data, size * count);
    return size * count;
}

static void check_curl_unix_socket(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char body[64] = "";
    pthread_t thread;
    CURL *easy = curl_easy_init();
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    /* The script runs the test inside its own temporary folder. */
    strcpy(address.sun_path, "smoke.sock");
    unlink(address.sun_path);
    check(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
              listen(fd, 1) == 0,
          "a listening Unix socket");
    check(pthread_create(&thread, NULL, answer_once, &fd) == 0, "pthread_create");
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, address.sun_path);
    curl_easy_setopt(easy, CURLOPT_URL, "http://localhost/");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 5000L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, (void *)body);
    check(curl_easy_perform(easy) == CURLE_OK && strcmp(body, "smoke") == 0,
          "curl through a Unix socket");
    pthread_join(thread, NULL);
    close(fd);
    unlink(address.sun_path);
    curl_easy_cleanup(easy);
}

static void check_curl_features(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    int count = 0, https = 0;
    CURL *easy;

    for (; info->protocols[count]; count++)
        https |= strcmp(info->protocols[count], "https") == 0;
    check(https && count == 2, "curl speaks HTTP and HTTPS and nothing else");
    check(strncmp(info->ssl_version, "mbedTLS/", 8) == 0, "curl uses mbedTLS");
    check((info->features & CURL_VERSION_SSL) && (info->features & CURL_VERSION_IPV6) &&
              (info->features & CURL_VERSION_UNIX_SOCKETS) &&
              (info->features & CURL_VERSION_ASYNCHDNS) &&
              (info->features & CURL_VERSION_THREADSAFE),
          "curl has TLS, IPv6, Unix sockets, a threaded resolver, thread-safe init");
    check(!(info->features & (CURL_VERSION_LIBZ | CURL_VERSION_HTTP2 | CURL_VERSION_ALTSVC |
                              CURL_VERSION_HSTS | CURL_VERSION_IDN | CURL_VERSION_PSL)),
          "curl has no extras");
    easy = curl_easy_init();
    check(curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, "aws:amz:eu-west-1:s3") == CURLE_OK,
          "curl signs for AWS");
    /* Resolved by curl's thread; port 1 refuses, which shows TLS was not refused earlier. */
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_URL, "https://localhost:1/");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
    check(curl_easy_perform(easy) == CURLE_COULDNT_CONNECT, "curl resolves localhost for HTTPS");
    curl_easy_cleanup(easy);
}

static void check_resolver(void)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;

    check(getaddrinfo("localhost", "80", &hints, &found) == 0 && found, "getaddrinfo(localhost)");
    freeaddrinfo(found);
}

int main(void)
{
    char pcre2_version[64] = "", mbedtls_version[32] = "";

    check_zlib();
    check_yaml();
    check_json();
    check_pcre2();
    check_resolver();
    check_mbedtls();
    check(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, "curl_global_init");
    check_curl_features();
    check_curl_unix_socket();
    curl_global_cleanup();

    pcre2_config(PCRE2_CONFIG_VERSION, pcre2_version);
    mbedtls_version_get_string(mbedtls_version);
    printf("mbedtls %s, %s, pcre2 %s, libyaml %s, zlib %s, jansson %s\n", mbedtls_version,
           curl_version(), pcre2_version, yaml_get_version_string(), zlibVersion(),
           jansson_version_str());
    return 0;
}
