/*
 * limits: every cap on a size, time or count that comes from outside, in one place.
 *
 * Sizes are in bytes unless the name says otherwise; times carry their unit.
 */
#ifndef RESCUE_SHARED_LIMITS_H
#define RESCUE_SHARED_LIMITS_H

/* Texts of our own. */
#define LIMIT_ERROR_TEXT 512
#define LIMIT_LOG_LINE 4096
#define LIMIT_PATH 4096

/* Configuration files, manifests, certificates, secrets in files. */
#define LIMIT_CONFIG_FILE (1024 * 1024)
#define LIMIT_CONFIG_DEPTH 32
#define LIMIT_CONFIG_NODES 100000
#define LIMIT_CERT_FILE (256 * 1024)
#define LIMIT_SECRET_FILE (64 * 1024)
#define LIMIT_MANIFESTS 1000
#define LIMIT_MANIFEST_TIMEOUT_S (366 * 24 * 3600)

/* Identity and names. */
#define LIMIT_TRUST_DOMAIN 255   /* SPIFFE-ID section 2.1 */
#define LIMIT_ORG 128
#define LIMIT_WORKSPACE_ID 128
#define LIMIT_INSTANCE_ID 128
#define LIMIT_SPIFFE_ID 2048     /* SPIFFE-ID section 2.3 */
#define LIMIT_SECTION_NAME 64
#define LIMIT_LABEL_NAME 64

/* Collection (design section 5). */
#define LIMIT_SECTIONS 32                      /* built-in and extra together */
#define LIMIT_SECTION_BYTES (1024 * 1024)      /* content of one section */
#define LIMIT_SECTION_CONTEXT (64 * 1024)      /* bytes before a tail's cut that the redactor sees */
#define LIMIT_TAIL_LINES 100000
#define LIMIT_SECTION_DEADLINE_MS 10000
#define LIMIT_CAPTURE_DEADLINE_S 3600
#define LIMIT_ENGINE_ANSWER (16 * 1024 * 1024) /* one Engine API answer */
#define LIMIT_CONTAINERS 1000
#define LIMIT_CONTAINER_FILE (1024 * 1024)     /* a container's own description on disk */
#define LIMIT_CONTAINER_LOG_LINES 200
#define LIMIT_ENGINE_LOG_LINES 600             /* asked of the Engine: the section's, and context for the redactor */
#define LIMIT_ENVIRON_BYTES (256 * 1024)
#define LIMIT_FIRST_ERROR_SCAN (4 * 1024 * 1024)
#define LIMIT_FIRST_ERROR_LINE (16 * 1024)
#define LIMIT_KERNEL_LINES 100
#define LIMIT_KERNEL_RECORDS 100000            /* read from /dev/kmsg before giving up on reaching its end */
#define LIMIT_KNOWN_VALUES 10000
#define LIMIT_KNOWN_VALUE_BYTES (64 * 1024)
#define LIMIT_KNOWN_MS 4000                    /* for asking the Engine and the metadata service for them */
#define LIMIT_METADATA_MS 1000                 /* one question to the metadata service */
#define LIMIT_METADATA_ANSWER (64 * 1024)
#define LIMIT_HOMES 256                        /* home folders looked into for credential files */

/* The agent. */
#define LIMIT_SWEEPERS 16
#define LIMIT_CONSOLE_BYTES 4096               /* one summary with its marks */
#define LIMIT_CONSOLE_MS 5000                  /* then the console has lost its chance */
#define LIMIT_KNOWN_VALUE_FILES 100
#define LIMIT_BOOT_DEADLINE_S 86400
#define LIMIT_RETRY_AFTER_S 600                /* longest Retry-After that is obeyed */
#define LIMIT_SWEEPER_ANSWER (64 * 1024)       /* an order, or the reason of a refusal */
#define LIMIT_SPOOL_BUNDLES 16                 /* waiting and set aside together */
#define LIMIT_SPOOL_BYTES (64 * 1024 * 1024)

/* Redaction. */
#define LIMIT_REDACT_OUTPUT (4 * 1024 * 1024)  /* one text after redaction */

/* Records and bundles (design section 6). */
#define LIMIT_RECORD_LINE (256 * 1024)         /* one record as JSON, without the newline; Loki's entry limit, inclusive */
#define LIMIT_BUNDLE_RECORDS 4096
#define LIMIT_REDACTIONS 1000000000            /* places masked in one section, as it says itself */
#define LIMIT_BUNDLE_BYTES (32 * 1024 * 1024)  /* NDJSON, not compressed */
#define LIMIT_BUNDLE_GZIP (16 * 1024 * 1024)   /* as uploaded */

/* HTTP on the gate. */
#define LIMIT_HTTP_REQUEST_LINE 4096
#define LIMIT_HTTP_HEADER_BYTES 16384          /* all names and values of one request */
#define LIMIT_HTTP_HEADERS 64
#define LIMIT_HTTP_BODY_SMALL (256 * 1024)     /* every route but the bundle */
#define LIMIT_BODIES (512 * 1024 * 1024)       /* bodies of all requests that are under way */
#define LIMIT_BODIES_OF_ONE (2 * LIMIT_BUNDLE_GZIP) /* those of one caller */
#define LIMIT_WAIT_S 300                       /* longest held request */
#define LIMIT_LOG_TAIL 8192                    /* bootstrap-failed: bytes kept of log_tail */
#define LIMIT_LOG_ERROR 8192                   /* bootstrap-failed: bytes kept of error */

/* Enrolment (proto/enroll.h). */
#define LIMIT_ENROLL_BODY (32 * 1024)          /* a whole request */
#define LIMIT_ENROLL_CSR (8 * 1024)            /* PEM */
#define LIMIT_ENROLL_DOCUMENT (16 * 1024)      /* EC2's instance identity document; about 500 bytes */
#define LIMIT_ENROLL_SIGNATURE 1024            /* decoded; RSA with 8,192 bits */
#define LIMIT_ENROLL_SIGNATURE_TEXT 2048       /* the same in base64 */
#define LIMIT_ENROLL_REGION 32
#define LIMIT_ENROLL_REGIONS 200
#define LIMIT_ENROLL_ACCOUNTS 10000
#define LIMIT_ENROLL_AGE_S (31 * 24 * 3600)    /* the most that a document's pendingTime may be allowed to lie back */
#define LIMIT_ENROLL_SKEW_S 300                /* between EC2's clock, the database's and a box's */
#define LIMIT_ENROLL_LIFETIME_S (31 * 24 * 3600)
#define LIMIT_ENROLL_PER_MIN 100000            /* largest rate that can be configured */
#define LIMIT_ENROLL_WAIT_S 900                /* `rescue-agent enroll` gives up then */
#define LIMIT_METADATA_TOKEN 1024              /* an IMDSv2 session token */

/* TLS on the gate: bytes of one connection that wait, encrypted. */
#define LIMIT_TLS_INPUT (64 * 1024)            /* fed and not read yet; a record has at most 16 KiB */
#define LIMIT_TLS_OUTPUT (64 * 1024 * 1024)    /* written and not sent yet; a whole bundle as JSON fits */

#define LIMIT_VERIFIED_CERTS 16384             /* certificates remembered as verified */
#define LIMIT_TICKET_BYTES 3072                /* one session ticket; it must fit into one record of ours */
#define LIMIT_TICKET_PERIOD_S (12 * 3600)      /* a key makes tickets for this long, and opens them for twice that */
#define LIMIT_TICKET_KEYS 4                    /* of one tenant: before, now, next, and one to spare */

/* Connections on the gate: how long each state may last, see sweeper/gate/conn.c. */
#define LIMIT_HANDSHAKE_MS 10000
#define LIMIT_SHAKE_TURN_US 5000               /* handshakes within one turn of a loop */
#define LIMIT_SHAKES_WAITING 256               /* handshakes that wait for their turn, each loop */
#define LIMIT_LANES 32                         /* loops, one a core */
#define LIMIT_CONNECTIONS_OF_ONE 64            /* of one workspace, each loop */
#define LIMIT_IDLE_MS 360000                   /* longer than the longest held request */
#define LIMIT_STRANGER_MS 10000                /* as LIMIT_IDLE_MS, for a peer without a certificate */
#define LIMIT_HEADERS_MS 10000                 /* from the first byte of a request */
#define LIMIT_BODY_MS 60000                    /* the whole body */
#define LIMIT_BODY_STALL_MS 10000              /* the body must grow by LIMIT_BODY_STALL_BYTES in this time */
#define LIMIT_BODY_STALL_BYTES 1024
#define LIMIT_WORK_MS 60000                    /* from the complete request to its answer, holding not counted */
#define LIMIT_WRITE_MS 30000                   /* and 1 ms more for each LIMIT_WRITE_BYTES_PER_MS bytes */
#define LIMIT_WRITE_BYTES_PER_MS 100
#define LIMIT_LINGER_MS 2000
#define LIMIT_DRAIN_MS 10000                   /* after SIGTERM */
#define LIMIT_JOBS_QUEUED 4096                 /* waiting for a worker, each tenant */
#define LIMIT_NOTICES 4096                     /* notifications waiting for the loop, each tenant */
#define LIMIT_ANSWER_BYTES (48 * 1024 * 1024)   /* one answer: a whole bundle and its frame */
#define LIMIT_LIST_CAPTURES 1000               /* captures in one answer */

/* Console output of unreachable boxes. */
#define LIMIT_AWS_ANSWER (512 * 1024)          /* EC2 keeps 64 KiB, as base64 in XML */
#define LIMIT_AWS_FIELD 4096                   /* a credential or an error's code */
#define LIMIT_CONSOLE_OUTPUT (256 * 1024)      /* decoded; the end is kept */
#define LIMIT_ROLE_ARN 512

/* HTTP as a client. */
#define LIMIT_FETCH_HEADERS 32
#define LIMIT_FETCH_BODY (64 * 1024 * 1024)    /* an answer that names no smaller cap of its own */

#endif
