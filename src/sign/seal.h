/*
 * Seal
 *
 * A request that came unsigned, as it leaves: what its client wrote byte for byte, and behind it
 * recvWindow, timestamp and signature, in the body when there is one, else in the query.
 *
 *      GET /x?a=1              ->  GET /x?a=1&recvWindow=5000&timestamp=T&signature=S
 *      POST /x?a=1, b=2        ->  POST /x?a=1, b=2&recvWindow=5000&timestamp=T&signature=S
 *
 * Signed is the query followed by the body, without anything between, up to "&signature". Bytes
 * that must be percent-encoded before they are signed are refused, not encoded: what the client
 * wrote is what is signed and sent.
 */
#ifndef SIGN_SEAL_H
#define SIGN_SEAL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/str.h"
#include "sign/signer.h"

struct seal_request {
        struct str target; /* path, and query behind the first '?' */
        struct str query;  /* the same query, as a part */
        bool has_query;    /* "/x?" has one, of length 0 */
        struct str body;
};

/* Room for a sentence. */
#define SEAL_WHY_MAX 200
/* What a seal adds at most: names, numbers and an RSA signature. */
#define SEAL_BYTES_MAX (SIGNER_TEXT_MAX + 128)

/**
 * seal_check() - can it be signed as it stands?
 * @ret_why: which byte is in the way, where, and how to write it
 *
 * Return: 0 or -EINVAL.
 */
CHECKED int seal_check(const struct seal_request *request, char ret_why[SEAL_WHY_MAX]);

/**
 * seal_write() - the target and body that leave
 * @timestamp_ms:   by the exchange's clock
 * @recv_window_ms: 0: the client named one itself
 * @ret_target, @ret_body: emptied first
 *
 * Return: 0, -ENOBUFS, -ENOMEM, or as signer_sign(); then nothing of it may be sent.
 */
CHECKED int seal_write(const struct signer *signer, const struct seal_request *request,
                       uint64_t timestamp_ms, uint64_t recv_window_ms, struct buf *ret_target,
                       struct buf *ret_body);

#endif
