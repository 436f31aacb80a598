/*
 * Folder
 *
 * Where a service keeps what shall survive it: the service manager says so.
 */
#ifndef BASE_FOLDER_H
#define BASE_FOLDER_H

#include <stddef.h>

/**
 * folder_of_service() - the state folder that the service manager made for this process
 * @ret_length: of its path, which more may follow
 *
 * systemd's $STATE_DIRECTORY, of which there may be several; the first is the unit's own. What a
 * service starts inherits the variable, as a shell or a test does: then the folder is not for us,
 * which systemd says by the number of the process that it is for ($SYSTEMD_EXEC_PID).
 *
 * Return: an absolute path in the environment, or NULL: there is none.
 */
const char *folder_of_service(size_t *ret_length);

#endif
