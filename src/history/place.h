/*
 * Place
 *
 * Where the file of history is.
 *
 *      "off"    nowhere
 *      ""       under systemd $STATE_DIRECTORY/history.db, else nowhere
 *      "on"     $STATE_DIRECTORY, else $XDG_STATE_HOME/weir, else ~/.local/state/weir: history.db
 *      other    that
 *
 * A gateway that somebody tries out, or that a test runs by the hundred, leaves nothing behind in
 * anybody's home unless it is told to; a service has a folder that is there for what it keeps.
 */
#ifndef HISTORY_PLACE_H
#define HISTORY_PLACE_H

#include "base/base.h"

/**
 * history_place() - the file that the setting history.path means
 * @ret: empty for none
 *
 * The folder "weir" of the user's state is made; others must be there.
 *
 * Return: 0, -ENOENT where there is no home, or another negative errno.
 */
CHECKED int history_place(const char *setting, char *ret, size_t size);

/* The file that weir history shows when none is named: of the first that is there of WEIR_HISTORY,
 * /var/lib/weir and the user's. Return: 0, or -ENOENT. */
CHECKED int history_find(char *ret, size_t size);

#endif
