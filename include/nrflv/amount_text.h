/* amount_text.h - amounts as people read them. */
#ifndef NRFLV_AMOUNT_TEXT_H
#define NRFLV_AMOUNT_TEXT_H

typedef struct nrf_amount_text {
  char s[24];
} nrf_amount_text;

/* Bytes with a decimal prefix and one decimal: "512 B", "170.5 MB". */
nrf_amount_text nrf_bytes_text(double bytes);

#endif
