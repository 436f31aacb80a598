/*
 * Unpack
 *
 * The plain bytes of a body, under a ceiling: an error body that unpacks to more than
 * CLASSIFY_BODY_CEILING is a bomb or no error body.
 */
#ifndef CLASSIFY_UNPACK_H
#define CLASSIFY_UNPACK_H

#include "base/base.h"
#include "base/str.h"

struct unpacked {
        struct str text; /* points into the input, or at @memory */
        bool is_cut;     /* the end is missing */
        char *memory;    /* ours, or NULL */
};

#define UNPACKED_NULL                                                                              \
        {                                                                                          \
                .memory = NULL                                                                     \
        }

enum unpack_answer {
        UNPACK_DONE = 0,
        UNPACK_UNREADABLE, /* damaged, too large, or in a coding that we do not speak */
};

/**
 * unpack() - undo the content coding of @body
 * @encoding:     value of Content-Encoding; gzip is also known by its first two bytes
 * @ret_unpacked: written for 0; unpacked_deinit() it
 *
 * Return: 0, UNPACK_UNREADABLE or -ENOMEM.
 */
CHECKED int unpack(struct str body, struct str encoding, struct unpacked *ret_unpacked);

/* Accepts UNPACKED_NULL; may be called twice. */
void unpacked_deinit(struct unpacked *u);

#endif
