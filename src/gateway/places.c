#include "gateway/places.h"
#include "base/log.h"
#include "http/host.h"

static bool is_reached_by_others(const struct address *address)
{
        char text[ADDRESS_TEXT_MAX];

        return address->socket.ss_family != AF_UNIX &&
               !http_is_loopback(http_host_name(str_of(address_print(address, text))));
}

void places_warn(const struct gateway *g)
{
        const struct address *address;
        char text[ADDRESS_TEXT_MAX];

        for (size_t i = 0; (address = http_server_address(g->server, i)) != NULL; ++i)
                if (is_reached_by_others(address))
                        log_event(LOG_WARN, "open_to_others",
                                  "address=%s why=\"weir asks no client who it is: whoever reaches "
                                  "this address can spend the budget; listen on 127.0.0.1 or a "
                                  "unix socket, or let a firewall keep others out\"",
                                  address_print(address, text));
}
