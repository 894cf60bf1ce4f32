# Writes OUTPUT, a header with the commit of the tree at SOURCE ("unknown" outside of git), unless it says so already.
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty OUTPUT_VARIABLE commit
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT commit)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
     "#pragma once\n\nnamespace framelift {\ninline constexpr const char* git_commit = \"@commit@\";\n}\n" @ONLY)
