/*
 * The files of page/, as tools/gen_assets.py put them into the program.
 */
#ifndef WATCH_ASSETS_H
#define WATCH_ASSETS_H

#include "base/base.h"
#include "base/str.h"

struct asset {
        const char *name; /* "page.css" */
        const char *type; /* as Content-Type says it */
        const char *etag; /* in quotes; that of the bytes below without "-gz" */
        struct str plain, gzip;
};

extern const struct asset assets[];
extern const size_t n_assets;

#endif
