/* Limits of a worker that are fixed when it is built. */
#ifndef NW_WORKER_BASE_LIMITS_H
#define NW_WORKER_BASE_LIMITS_H

#define NW_PAGE_SIZE      4096ul
#define NW_PAYLOAD_MAX    (16ul << 20)
#define NW_CALL_DEPTH_MAX 32
#define NW_TOKENS_MAX     32                     /* executors that run at once */
#define NW_EXECUTORS_MAX  (1024 + NW_TOKENS_MAX) /* with those that are blocked */
#define NW_DOMAINS_MAX    512
#define NW_FUNCTIONS_MAX  448 /* fewer, so that new versions have room beside the old */
#define NW_DEPLOYED_MAX   1024
#define NW_CALLED         2   /* routes by which a slot counts its calls without anybody else */
#define NW_DOMAIN_SLOTS   256 /* flows of control in one domain: func workers and the function's own threads */
#define NW_DOMAIN_RANGE   (16ul << 30)
#define NW_AREAS_SIZE     (64ul << 10) /* at its end, for the gate */
#define NW_WORKER_STACK   (1ul << 20)  /* of a func worker */
#define NW_WORKER_MEMORY  (5ul << 18)  /* what a func worker takes of its domain's memory, with its stack */
#define NW_START_TIMEOUT  10000        /* ms from load to ready */
#define NW_REASON_MAX     256          /* bytes of a text that says why something failed */

#endif
