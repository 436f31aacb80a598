/*
 * Classes of bytes
 *
 * One table of what a byte may be part of, for the parsers of this room; for nobody else.
 */
#ifndef HTTP_BYTES_H
#define HTTP_BYTES_H

#include "base/base.h"

enum {
        TOKEN = 1,
        METHOD = 2, /* a token without small letters: methods are case-sensitive, "get" is none */
        TARGET = 4,
        HOST = 8,
        VALUE = 16, /* tab, visible ASCII, and bytes beyond ASCII, which stay opaque */
        DIGIT = 32,
};

extern const uint8_t http_bytes[256];

static inline bool is(char c, unsigned kind)
{
        return http_bytes[(unsigned char)c] & kind;
}

#endif
