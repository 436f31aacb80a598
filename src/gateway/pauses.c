#include "gateway/pauses.h"

#include <errno.h>

const struct pause_client *pauses_client_find(const struct pauses *p, const char *name)
{
        for (size_t i = 0; i < p->n_clients; ++i)
                if (strcmp(p->clients[i].name, name) == 0)
                        return &p->clients[i];
        return NULL;
}

static struct pause_client *find(struct pauses *p, const char *name)
{
        return (struct pause_client *)(uintptr_t)pauses_client_find(p, name);
}

const char *pauses_hold(const struct pauses *p, enum weir_class class, const char *client)
{
        const struct pause_client *c;

        if (pauses_class_is(p, class))
                return "class";
        c = pauses_client_find(p, client);
        return c && (class != CLASS_CANCEL || c->with_cancels) ? "client" : NULL;
}

void pauses_class(struct pauses *p, enum weir_class class, bool is_paused)
{
        if (is_paused)
                p->classes |= 1u << class;
        else
                p->classes &= ~(1u << class);
}

int pauses_client(struct pauses *p, const char *name, bool with_cancels)
{
        struct pause_client *c = find(p, name);

        if (!name[0] || strlen(name) >= sizeof(c->name))
                return -ENAMETOOLONG;
        if (!c && p->n_clients == PAUSES_CLIENTS_MAX)
                return -ENOSPC;
        if (!c)
                c = &p->clients[p->n_clients++];
        str_copy(str_of(name), c->name, sizeof(c->name));
        c->with_cancels = with_cancels;
        return 0;
}

int pauses_client_over(struct pauses *p, const char *name)
{
        struct pause_client *c = find(p, name);

        if (!c)
                return -ENOENT;
        *c = p->clients[--p->n_clients];
        return 0;
}
