/* SPDX-License-Identifier: Apache-2.0 */
/* The little of HTTP that one upload to our own server needs. */
#include <string.h>

#include <apr_network_io.h>
#include <apr_strings.h>
#include <apr_uri.h>

#include "demo.h"

static const wm_err *connect_to(apr_socket_t **socket, const apr_uri_t *uri, apr_pool_t *pool)
{
    apr_sockaddr_t *address;
    apr_status_t status;

    status = apr_sockaddr_info_get(&address, uri->hostname, APR_UNSPEC,
                                   uri->port ? uri->port : (apr_port_t)80, 0, pool);
    if (status == APR_SUCCESS)
        status = apr_socket_create(socket, address->family, SOCK_STREAM, APR_PROTO_TCP, pool);
    if (status == APR_SUCCESS) {
        apr_socket_timeout_set(*socket, apr_time_from_sec(20));
        status = apr_socket_connect(*socket, address);
    }
    return status == APR_SUCCESS ? NULL
                                 : wm_err_apr(pool, status, "cannot reach %s", uri->hostinfo);
}

static apr_status_t send_all(apr_socket_t *socket, const char *data, size_t size)
{
    apr_status_t status = APR_SUCCESS;

    while (size && status == APR_SUCCESS) {
        apr_size_t part = size;

        status = apr_socket_send(socket, data, &part);
        data += part;
        size -= part;
    }
    return status;
}

const wm_err *wm_demo_post(const char *url, const char *user_agent, const wm_buf *body,
                           apr_pool_t *scratch_pool)
{
    apr_socket_t *socket;
    apr_status_t status;
    char answer[64] = "";
    apr_size_t size = sizeof answer - 1;
    const char *head;
    apr_uri_t uri;

    if (apr_uri_parse(scratch_pool, url, &uri) != APR_SUCCESS || !uri.hostname || !uri.scheme ||
        strcmp(uri.scheme, "http"))
        return wm_err_make(scratch_pool, WM_E_INPUT, "%s is no http address", url);
    WM_TRY(connect_to(&socket, &uri, scratch_pool));
    head = apr_psprintf(scratch_pool,
                        "POST %s%sadd-bundle.json HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n"
                        "Content-Type: application/x-www-form-urlencoded\r\n"
                        "Content-Length: %lu\r\nConnection: close\r\n\r\n",
                        uri.path ? uri.path : "/",
                        uri.path && uri.path[strlen(uri.path) - 1] != '/' ? "/" : "", uri.hostinfo,
                        user_agent, (unsigned long)body->size);
    status = send_all(socket, head, strlen(head));
    if (status == APR_SUCCESS)
        status = send_all(socket, body->data, body->size);
    if (status == APR_SUCCESS)
        status = apr_socket_recv(socket, answer, &size);
    apr_socket_close(socket);
    if (status != APR_SUCCESS)
        return wm_err_apr(scratch_pool, status, "no answer from %s", uri.hostinfo);
    if (strncmp(answer, "HTTP/1.1 201", 12))
        return wm_err_make(scratch_pool, WM_E_SYSTEM, "%s answers \"%.*s\"", url,
                           (int)strcspn(answer, "\r\n"), answer);
    return NULL;
}
