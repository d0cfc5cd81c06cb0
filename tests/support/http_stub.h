/* http_stub.h - a web server on the loopback interface, for one connection at a time, which serves the files of a
 * folder well or badly, as told. */
#ifndef NRFLV_TESTS_HTTP_STUB_H
#define NRFLV_TESTS_HTTP_STUB_H

#include <pthread.h>
#include <stdint.h>

typedef enum http_manner {
  HTTP_GOOD,             /* answers Range requests with the range                         */
  HTTP_IGNORES_RANGE,    /* sends the whole file whatever is asked for                    */
  HTTP_REFUSES_RANGE,    /* answers 416 to any Range                                      */
  HTTP_WRONG_RANGE,      /* sends a range that begins one byte late                       */
  HTTP_CUTS,             /* closes the connection after `limit` bytes of the body         */
  HTTP_CUTS_UNANNOUNCED, /* the same, without having announced a length                   */
  HTTP_STALLS,           /* sends `limit` bytes of the body, then nothing any more        */
  HTTP_REDIRECTS,        /* sends the client from /name to /moved/name, and answers there */
} http_manner;

typedef struct http_stub {
  char        url[64]; /* "http://127.0.0.1:PORT" */
  const char *folder;  /* files are looked for by the last part of a request's path */
  http_manner manner;
  int64_t     limit;
  int         requests;       /* answered so far                   */
  char        last_range[64]; /* "bytes=100-" of the last request  */

  int       listener;
  pthread_t thread;
} http_stub;

/* Aborts the test program if there can be no server. `folder` is borrowed. */
void http_stub_start(http_stub *stub, const char *folder);
void http_stub_stop(http_stub *stub);

#endif
