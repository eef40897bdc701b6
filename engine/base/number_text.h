/*
 * number_text.h - numbers as text that reads back equal.
 */
#ifndef NUMBER_TEXT_H
#define NUMBER_TEXT_H

#define NUMBER_TEXT_SIZE 32

/* The shortest decimal form of a finite number that strtod reads back as the same. */
void number_text(char out[NUMBER_TEXT_SIZE], double number);

#endif
