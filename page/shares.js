/* A client's share beside the others of its class: set by hand, or as the settings say. */

/* Return: {share, by_hand, said}, @said: what the settings say; null where the gateway does not tell. */
export function share_of(now, client) {
        const settings = now && now.client_shares, by_hand = (now && now.shares) || {};

        if (!settings)
                return null;
        const said = (Object.hasOwn(settings.clients || {}, client) && settings.clients[client]) || settings.default || 1;
        const own = Object.hasOwn(by_hand, client) ? by_hand[client] : null;

        return { share: own ?? said, by_hand: own !== null, said };
}

/* As a mark beside its name; empty where it has what all others have. */
export function share_mark(now, client) {
        const its = share_of(now, client);

        if (!its || (!its.by_hand && its.share === (now.client_shares.default || 1)))
                return "";
        return its.by_hand ? `share ${its.share}, by hand` : `share ${its.share}`;
}

/* Those set by hand, also of clients that have sent nothing: [{client, text: "maker: 5 (the settings say 2)"}, ...] */
export function shares_by_hand(now) {
        return Object.keys((now && now.shares) || {}).sort().map((client) => {
                const its = share_of(now, client);

                return { client, text: `${client}: ${now.shares[client]}${its ? ` (the settings say ${its.said})` : ""}` };
        });
}
