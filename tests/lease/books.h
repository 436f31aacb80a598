/* The real function in a real server: an op is carried out when the world's clock says so. */
#ifndef TEST_LEASE_BOOKS_H
#define TEST_LEASE_BOOKS_H

#include "base/buf.h"
#include "lease/op.h"

struct books;

/* NULL: no server is installed. Anything else that goes wrong ends the test. */
struct books *books_open(void);
void books_close(struct books *b);
/* As new. */
void books_wipe(struct books *b);

/* Carries @op out. @ret_answer is the function's text, @ret_news what it published: "" if nothing.
 */
void books_do(struct books *b, const struct op *op, struct buf *ret_answer, struct buf *ret_news);

#endif
