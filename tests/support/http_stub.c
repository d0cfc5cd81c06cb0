/* http_stub.c - see http_stub.h. */
#include "http_stub.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_BYTES = 4096 };

typedef struct request {
  char    name[256]; /* last part of the path */
  bool    moved;     /* the path began with /moved/ */
  int64_t first;     /* first byte asked for; -1: no Range */
} request;

/* Reads up to the empty line that ends a request's head. False if the client left. */
static bool read_request(http_stub *stub, int client, request *rq)
{
  char   text[REQUEST_BYTES] = "";
  size_t used                = 0;
  while (!strstr(text, "\r\n\r\n")) {
    const ssize_t n = recv(client, text + used, sizeof text - 1 - used, 0);
    if (n <= 0) return false;
    used += (size_t)n;
    text[used] = '\0';
  }
  char path[256];
  if (sscanf(text, "GET %255s", path) != 1) return false;
  snprintf(rq->name, sizeof rq->name, "%s", strrchr(path, '/') + 1);
  rq->moved = strncmp(path, "/moved/", 7) == 0;

  const char *range   = strstr(text, "Range: ");
  rq->first           = -1;
  stub->last_range[0] = '\0';
  if (range) {
    sscanf(range, "Range: %63s", stub->last_range);
    rq->first = atoll(stub->last_range + strlen("bytes="));
  }
  return true;
}

static void send_all(int client, const char *data, int64_t bytes)
{
  while (bytes > 0) {
    const ssize_t n = send(client, data, (size_t)bytes, MSG_NOSIGNAL);
    if (n <= 0) return; /* the client left: its right */
    data += n;
    bytes -= n;
  }
}

static void send_head(int client, const char *head)
{
  send_all(client, head, (int64_t)strlen(head));
}

/* The whole of a file, in memory for the caller to free; NULL if it cannot be read. */
static char *read_file(const http_stub *stub, const char *name, int64_t *bytes)
{
  char path[1024];
  snprintf(path, sizeof path, "%s/%s", stub->folder, name);
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  fseek(file, 0, SEEK_END);
  *bytes = ftell(file);
  rewind(file);
  char *data = malloc((size_t)*bytes + 1);
  if (data && fread(data, 1, (size_t)*bytes, file) != (size_t)*bytes) *bytes = 0;
  fclose(file);
  return data;
}

static void send_body(const http_stub *stub, int client, const char *data, int64_t bytes)
{
  const bool limited =
      stub->manner == HTTP_CUTS || stub->manner == HTTP_CUTS_UNANNOUNCED || stub->manner == HTTP_STALLS;
  send_all(client, data, limited && stub->limit < bytes ? stub->limit : bytes);
  char byte;
  if (stub->manner == HTTP_STALLS) (void)recv(client, &byte, 1, 0); /* until the client gives up */
}

static void send_file(const http_stub *stub, int client, const request *rq, const char *data, int64_t bytes)
{
  char head[512];
  if (rq->first < 0 || stub->manner == HTTP_IGNORES_RANGE) {
    char length[64];
    snprintf(length, sizeof length, "Content-Length: %lld\r\n", (long long)bytes);
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%sConnection: close\r\n\r\n",
             stub->manner == HTTP_CUTS_UNANNOUNCED ? "" : length);
    send_head(client, head);
    send_body(stub, client, data, bytes);
    return;
  }
  if (stub->manner == HTTP_REFUSES_RANGE || rq->first >= bytes) {
    send_head(client, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  const int64_t first = rq->first + (stub->manner == HTTP_WRONG_RANGE);
  snprintf(head, sizeof head,
           "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %lld-%lld/%lld\r\nContent-Length: %lld\r\n"
           "Connection: close\r\n\r\n",
           (long long)first, (long long)bytes - 1, (long long)bytes, (long long)(bytes - first));
  send_head(client, head);
  send_body(stub, client, data + first, bytes - first);
}

static void answer(http_stub *stub, int client)
{
  request rq;
  if (!read_request(stub, client, &rq)) return;
  stub->requests++;

  int64_t bytes = 0;
  char   *data  = read_file(stub, rq.name, &bytes);
  char    head[512];
  if (!data) {
    send_head(client, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nnone\n");
  } else if (stub->manner == HTTP_REDIRECTS && !rq.moved) {
    snprintf(head, sizeof head,
             "HTTP/1.1 302 Found\r\nLocation: %s/moved/%s\r\nContent-Length: 6\r\nConnection: "
             "close\r\n\r\nmoved\n",
             stub->url, rq.name);
    send_head(client, head);
  } else {
    send_file(stub, client, &rq, data, bytes);
  }
  free(data);
}

static void *serve(void *user)
{
  http_stub *stub = user;
  for (;;) {
    const int client = accept(stub->listener, NULL, NULL);
    if (client < 0) return NULL; /* http_stub_stop */
    answer(stub, client);
    shutdown(client, SHUT_WR);
    close(client);
  }
}

void http_stub_start(http_stub *stub, const char *folder)
{
  memset(stub, 0, sizeof *stub);
  stub->folder               = folder;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t          size    = sizeof address;
  stub->listener             = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (stub->listener < 0 || bind(stub->listener, (struct sockaddr *)&address, size) != 0 ||
      listen(stub->listener, 8) != 0 ||
      getsockname(stub->listener, (struct sockaddr *)&address, &size) != 0 ||
      pthread_create(&stub->thread, NULL, serve, stub) != 0) {
    perror("http_stub");
    abort();
  }
  snprintf(stub->url, sizeof stub->url, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

void http_stub_stop(http_stub *stub)
{
  shutdown(stub->listener, SHUT_RDWR);
  pthread_join(stub->thread, NULL);
  close(stub->listener);
}
