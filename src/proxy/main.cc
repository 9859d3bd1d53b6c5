#include "proxy/commands.h"

int main(int argc, char** argv) { return gatehouse::proxy::run_command_line(argc, argv); }
