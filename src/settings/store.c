/*
 * The section "store"
 *
 * A URL may hold a password: it is never shown, neither as a value nor in a mistake.
 */
#include "settings/value.h"

#include "lease/store_url.h"

_Static_assert(SETTINGS_NAME_SIZE >= STORE_WORD_SIZE, "a name of the store does not fit");
_Static_assert(SETTINGS_STORE_SIZE >= STORE_URL_MAX, "a URL of a store does not fit");

int store_parse_name(struct str text, char to[SETTINGS_NAME_SIZE], struct sentence *why)
{
        char quoted[QUOTE_SIZE];

        if (text.n > 0 && !store_is_name(text))
                return sentence_say(
                        why, "%s is no name; write letters, digits and \". _ -\", %d at most",
                        value_quote(text, quoted, sizeof(quoted)), STORE_WORD_SIZE - 1);
        str_copy(text, to, SETTINGS_NAME_SIZE);
        return SETTINGS_GOOD;
}

int store_parse_url(struct str text, char to[SETTINGS_STORE_SIZE], struct sentence *why)
{
        char words[OP_WHY_SIZE];
        struct store_url url;
        int r = 0;

        if (text.n > 0)
                r = store_url_parse(text, &url, words);
        explicit_bzero(&url, sizeof(url));
        if (r < 0)
                return sentence_say(why, "%s", words);
        str_copy(text, to, SETTINGS_STORE_SIZE);
        return SETTINGS_GOOD;
}

const char *store_text(const char *url, char *to, size_t size)
{
        char words[OP_WHY_SIZE], text[STORE_TEXT_SIZE];
        struct store_url parts;

        if (!url[0] || store_url_parse(str_of(url), &parts, words) < 0)
                return "";
        store_url_text(&parts, text);
        snprintf(to, size, "%s", text);
        explicit_bzero(&parts, sizeof(parts));
        return to;
}
