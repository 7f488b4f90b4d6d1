/* The raw limit of a fan-out: the same bytes to every socket, one system call each. */
#include <stddef.h>
#include <sys/socket.h>

/* Returns how many sockets took all the bytes. */
int send_round(const int *fds, int count, const char *bytes, size_t size)
{
    int whole = 0;
    for (int i = 0; i < count; i++)
        whole += send(fds[i], bytes, size, MSG_NOSIGNAL) == (ssize_t)size;
    return whole;
}
