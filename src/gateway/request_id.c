#include "gateway/request_id.h"
#include "base/clock.h"

#include <sys/random.h>
#include <unistd.h>

/* Characters, of five bits each. */
#define RUN_CHARACTERS   10
#define COUNT_CHARACTERS 8

/* Letters and digits in a row as a key or a signature has them, and no name of a trace (32). */
#define SECRET_ROW 40

/* Nothing that is mistaken for another when it is read out. */
static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

void request_ids_init(struct request_ids *ids)
{
        *ids = (struct request_ids){ 0 };
        /* Without chance: as unlike others as time and process make it. Nobody has to guess it. */
        if (getrandom(&ids->run, sizeof(ids->run), GRND_NONBLOCK) != (ssize_t)sizeof(ids->run))
                ids->run = (clock_wall_us() << 15) ^ (clock_mono_us() << 3) ^ (uint64_t)getpid();
}

static char *put(uint64_t number, unsigned characters, char *to)
{
        for (unsigned i = characters; i-- > 0; number >>= 5)
                to[i] = digits[number & 31];
        return to + characters;
}

void request_id_make(struct request_ids *ids, char to[REQUEST_ID_SIZE])
{
        to = put(ids->run, RUN_CHARACTERS, to);
        to = put(++ids->n, COUNT_CHARACTERS, to);
        *to = '\0';
}

bool request_id_is_good(struct str id)
{
        size_t n_row = 0;

        for (size_t i = 0; i < id.n; ++i) {
                char c = id.p[i];
                bool is_alnum =
                        (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');

                n_row = is_alnum ? n_row + 1 : 0;
                if (n_row == SECRET_ROW ||
                    (!is_alnum && c != '.' && c != '_' && c != '~' && c != '-'))
                        return false;
        }
        return id.n > 0 && id.n <= HTTP_LABEL_MAX;
}

void request_id_give(struct request_ids *ids, struct http_exchange *exchange)
{
        struct str id =
                http_field_value(http_exchange_head(exchange), STR_LITERAL("x-weir-request-id"));
        char ours[REQUEST_ID_SIZE];

        if (!request_id_is_good(id)) {
                request_id_make(ids, ours);
                id = str_of(ours);
        }
        http_exchange_set_label(exchange, id);
}
