/* Python, embedded: runs the input as a program; its variable `answer` is the answer. */
#define PY_SSIZE_T_CLEAN
#include "functions/compat/compat.h"
#include <Python.h>
#include <dlfcn.h>

/* Debian's extension modules leave it to the program to have libpython's symbols, and a function's libraries are its
 * own: what is loaded must be asked for once more, for all to see. */
static int show_symbols(void)
{
    Dl_info library;

    return dladdr((void *)Py_InitializeFromConfig, &library) &&
                   dlopen(library.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_GLOBAL)
               ? 0
               : -1;
}

int compat_load(void)
{
    PyConfig config;
    PyStatus status;

    if (show_symbols() < 0)
        return -1;
    PyConfig_InitIsolatedConfig(&config);
    status = PyConfig_SetBytesString(&config, &config.program_name, "/usr/bin/python3");
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        fprintf(stderr, "python: %s\n", status.err_msg ? status.err_msg : "did not start");
        return -1;
    }
    PyEval_SaveThread();
    return 0;
}

int compat_call(const char *input, FILE *out)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *names = PyDict_New();
    PyObject *ran, *answer;

    PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins());
    ran = PyRun_String(input, Py_file_input, names, names);
    if (!ran)
        PyErr_Print();
    answer = PyDict_GetItemString(names, "answer");
    fprintf(out, "%s", answer ? PyUnicode_AsUTF8(answer) : "no answer");
    Py_XDECREF(ran);
    Py_DECREF(names);
    PyGILState_Release(gil);
    return 0;
}
