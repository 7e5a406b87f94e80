// Nothing to call: a program that links this ends in order when memory runs out.
#ifndef CALLOCATION_H
#define CALLOCATION_H
#endif
