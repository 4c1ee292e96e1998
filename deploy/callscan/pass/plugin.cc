// The plugin interface of LLVM's passes, which is C++. All there is to the pass is in pass.c.
#include "common/base/version.h"
#include "deploy/callscan/pass/pass.h"
#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>
#include <llvm/Passes/PassBuilder.h>
#include <llvm/Passes/PassPlugin.h>

namespace
{

struct CallSites : llvm::PassInfoMixin<CallSites> {
    llvm::PreservedAnalyses run(llvm::Module &module, llvm::ModuleAnalysisManager &)
    {
        nw__pass_run(llvm::wrap(&module));
        return llvm::PreservedAnalyses::all(); // no function is changed
    }
    static bool isRequired()
    {
        return true; // at -O0, too
    }
};

// Where clang begins, at every level, and where `opt -passes=nightward-callsites` says.
void register_pass(llvm::PassBuilder &builder)
{
    builder.registerPipelineStartEPCallback(
        [](llvm::ModulePassManager &passes, llvm::OptimizationLevel) { passes.addPass(CallSites()); });
    builder.registerPipelineParsingCallback(
        [](llvm::StringRef name, llvm::ModulePassManager &passes, llvm::ArrayRef<llvm::PassBuilder::PipelineElement>) {
            if (name == "nightward-callsites")
                passes.addPass(CallSites());
            return name == "nightward-callsites";
        });
}

} // namespace

extern "C" __attribute__((visibility("default"))) llvm::PassPluginLibraryInfo llvmGetPassPluginInfo()
{
    return {LLVM_PLUGIN_API_VERSION, "nightward-callsites", NW_VERSION, register_pass};
}
